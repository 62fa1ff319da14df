package target

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// FileTimes are the target files as Prometheus has read them.
type FileTimes struct {
	// Modified are the modification times of the files when they were read, in
	// seconds since 1970, which is all that Prometheus tells of them, by path
	// below the output directory, such as targets/class/default/targets.json.
	// Where another container mounts it is of no account.
	Modified map[string]int64
	// WatchFailed says that Prometheus was refused an inotify instance or watch.
	WatchFailed bool
	// ReadFailed counts the files that could not be read or made sense of, since
	// it started.
	ReadFailed float64
}

// ErrNoFileTimes is a /metrics that tells nothing of files: another program's, or
// one that something filters.
var ErrNoFileTimes = errors.New("/metrics says nothing of file discovery")

const (
	// maxMetrics bounds a page, of which everything else is skipped, and
	// maxFileTimes what is kept of it, in bytes.
	maxMetrics   = 128 << 20
	maxFileTimes = 8 << 20

	fileFamilies = "prometheus_sd_file_"
	fileTime     = fileFamilies + "mtime_seconds"
	fileErrors   = fileFamilies + "read_errors_total"
	watchErrors  = fileFamilies + "watcher_errors_total"
)

// FileTimes reads Prometheus's own metrics, which may have several MB: not to be
// asked for often.
func (p *Prometheus) FileTimes(ctx context.Context) (FileTimes, error) {
	limited, cancel := context.WithTimeout(ctx, p.opts.Timeout)
	defer cancel()
	resp, err := p.send(limited, http.MethodGet, "/metrics")
	if err != nil {
		return FileTimes{}, p.secrets.cutError(timedOut(ctx, err, p.opts.Timeout))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxConnectionFile))
		return FileTimes{}, p.refusal(http.MethodGet, "/metrics", resp.StatusCode, body)
	}
	lines, err := linesOf(io.LimitReader(resp.Body, maxMetrics), fileFamilies)
	if err != nil {
		return FileTimes{}, p.secrets.cutError(fmt.Errorf("GET /metrics: %w", timedOut(ctx, err, p.opts.Timeout)))
	}
	times, err := fileTimes(lines)
	return times, p.secrets.cutError(err)
}

// linesOf are the samples whose names begin so. They stand together, because the
// families of a page are sorted; what comes after them is not read.
func linesOf(page io.Reader, prefix string) ([]byte, error) {
	var out []byte
	r := bufio.NewReaderSize(page, 64<<10)
	for whole := true; ; {
		line, err := r.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		switch {
		case whole && !long && bytes.HasPrefix(line, []byte(prefix)):
			out = append(out, line...)
		case whole && len(out) > 0 && !bytes.HasPrefix(line, []byte("#")):
			return out, nil
		}
		if len(out) > maxFileTimes {
			return nil, fmt.Errorf("more than %d MiB of it are about files", maxFileTimes>>20)
		}
		whole = !long
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil && !long {
			return nil, err
		}
	}
}

// fileTimes reads samples in Prometheus's text format
// (prometheus.io/docs, "Exposition formats").
func fileTimes(lines []byte) (FileTimes, error) {
	if len(lines) > 0 && lines[len(lines)-1] != '\n' {
		lines = append(lines, '\n')
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(lines))
	if err != nil {
		return FileTimes{}, fmt.Errorf("/metrics is not Prometheus's: %w", err)
	}
	if len(families) == 0 {
		return FileTimes{}, ErrNoFileTimes
	}
	out := FileTimes{Modified: map[string]int64{}, WatchFailed: sum(families[watchErrors]) > 0, ReadFailed: sum(families[fileErrors])}
	for _, m := range families[fileTime].GetMetric() {
		for _, l := range m.GetLabel() {
			if file := belowOutput(l.GetValue()); l.GetName() == "filename" && file != "" {
				out.Modified[file] = max(out.Modified[file], seconds(valueOf(m)))
			}
		}
	}
	return out, nil
}

// belowOutput is the path of a target file below the directory of output, which
// may be mounted anywhere; "" of any other file.
func belowOutput(name string) string {
	parts := strings.Split(path.Clean(name), "/")
	if len(parts) < 4 {
		return ""
	}
	file := strings.Join(parts[len(parts)-4:], "/")
	if checkPoolPath(file) != nil {
		return ""
	}
	return file
}

// seconds of a time that may be anything.
func seconds(v float64) int64 {
	const most = 1 << 53
	if v != v || v < 0 || v > most {
		return 0
	}
	return int64(v)
}

// valueOf a sample: without the line that tells its type, it is untyped.
func valueOf(m *dto.Metric) float64 {
	return m.GetUntyped().GetValue() + m.GetGauge().GetValue() + m.GetCounter().GetValue()
}

func sum(family *dto.MetricFamily) float64 {
	total := 0.0
	for _, m := range family.GetMetric() {
		total += valueOf(m)
	}
	return total
}
