package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestKeepsToItself looks at a running controller from outside: it listens at the
// declared address only, has no child, and leaves nothing in its home, its working directory and the
// directory for temporary files.
func TestKeepsToItself(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	prometheus := current(t)
	w := newWorld(t, awssim.Options{Quotas: awssim.NoQuotas()})
	if _, err := awssim.Shop(w.sim); err != nil {
		t.Fatal(err)
	}
	w.write("all.yaml", "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n---\n"+
		"apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: all}\nspec: {endpoints: [{port: metrics}]}\n")
	home, temp, work := t.TempDir(), t.TempDir(), t.TempDir()
	w.env = []string{"HOME=" + home, "TMPDIR=" + temp}
	self, err := os.Executable()
	must(t, err)
	t.Chdir(work)
	w.controller = w.start("ecs-scrape", self, w.environment(), "run", "--specs", w.specs, "--output", w.output,
		"--prometheus.url", "http://"+w.prom, "--web.listen-address", w.web, "--ecs.poll-interval", "1s")
	w.healthy()
	w.startPrometheus(prometheus)
	w.ready()
	pid := w.controller.cmd.Process.Pid
	if got := listeners(t, pid); !slices.Equal(got, []string{w.web}) {
		t.Errorf("listens at %v, want %s alone", got, w.web)
	}
	if children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)); err == nil && len(children) > 0 {
		t.Errorf("has the child processes %s", children)
	}
	w.controller.stop()
	for _, dir := range []string{home, temp, work} {
		left, err := os.ReadDir(dir)
		must(t, err)
		if len(left) > 0 {
			t.Errorf("left %v behind", left)
		}
	}
}

// listeners are the addresses at which a process listens, as proc(5) tells of
// /proc/PID/net/tcp; one that is no IPv4 address of TCP is named by its table.
func listeners(t *testing.T, pid int) []string {
	t.Helper()
	sockets := socketsOf(t, pid)
	var out []string
	for table, open := range map[string]string{"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"} { // LISTEN, and of UDP unconnected
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		must(t, err)
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line) // sl local remote state queues timer retransmits uid timeout inode
			if len(f) < 10 || !sockets[f[9]] || f[3] != open {
				continue
			}
			if table == "tcp" {
				out = append(out, ipv4(t, f[1]))
			} else {
				out = append(out, table+" "+f[1])
			}
		}
	}
	return out
}

// ipv4 reads an address such as 0100007F:26C6, of a little-endian machine.
func ipv4(t *testing.T, text string) string {
	t.Helper()
	address, port, _ := strings.Cut(text, ":")
	a, err := strconv.ParseUint(address, 16, 32)
	must(t, err)
	p, err := strconv.ParseUint(port, 16, 16)
	must(t, err)
	return fmt.Sprintf("%d.%d.%d.%d:%d", byte(a), byte(a>>8), byte(a>>16), byte(a>>24), p)
}

// socketsOf are the inodes of a process's sockets.
func socketsOf(t *testing.T, pid int) map[string]bool {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	must(t, err)
	out := map[string]bool{}
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			out[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return out
}
