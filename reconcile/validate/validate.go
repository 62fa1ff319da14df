package validate

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/aws" // registers the discovery types that a configuration may use
	_ "github.com/prometheus/prometheus/discovery/consul"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"ecs-scrape/reconcile/artifact"
)

// Error is one thing that Prometheus would refuse.
type Error struct {
	// File is the path of the rendered file, and Line the line in it; 0 where
	// Prometheus names none.
	File string
	Line int
	// Group and Rule say which rule of a rule file it is about. Rule counts
	// from 1, as Prometheus does; 0 is the group or the file.
	Group string
	Rule  int
	// Name is the record or the alert.
	Name string
	// Message is in Prometheus's own words.
	Message string
}

func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += ":" + strconv.Itoa(e.Line)
	}
	if e.Group != "" {
		where += ": group " + strconv.Quote(e.Group)
	}
	if e.Rule > 0 {
		where += fmt.Sprintf(", rule %d", e.Rule)
	}
	if e.Name != "" {
		where += ", " + strconv.Quote(e.Name)
	}
	return where + ": " + e.Message
}

// Files judges prometheus.yml and the rule files beside it. The configuration
// is as Prometheus resolves it, and nil where it does not parse; what it says of
// the environment is this process's, so it is to be read and never written.
func Files(files artifact.Files) (*config.Config, []*Error) {
	var errs []*Error
	scheme := model.UTF8Validation
	cfg, err := config.Load(string(files[artifact.ConfigFile]), promslog.NewNopLogger())
	if err != nil {
		cfg = nil
		errs = split(artifact.ConfigFile, err)
	} else if s := cfg.GlobalConfig.MetricNameValidationScheme; s != model.UnsetValidation {
		scheme = s
	}
	for _, path := range files.Paths() {
		if path != artifact.ConfigFile {
			errs = append(errs, rules(path, files[path], scheme)...)
		}
	}
	return cfg, errs
}

// Pools judges that Prometheus has a job for each target file.
func Pools(cfg *config.Config, pools []artifact.Pool) []*Error {
	jobs := map[string]bool{}
	for _, sc := range cfg.ScrapeConfigs {
		jobs[sc.JobName] = true
	}
	var errs []*Error
	for _, p := range pools {
		if !jobs[p.Name] {
			errs = append(errs, &Error{File: p.Path, Message: fmt.Sprintf("prometheus.yml has no job %q for it", p.Name)})
		}
	}
	return errs
}

func rules(path string, data []byte, scheme model.ValidationScheme) []*Error {
	_, found := rulefmt.Parse(data, false, scheme, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
	var errs []*Error
	for _, err := range found {
		var rule *rulefmt.Error
		if !errors.As(err, &rule) {
			errs = append(errs, split(path, err)...)
			continue
		}
		e := newError(path, rule.Err.Error())
		e.Group, e.Rule, e.Name = rule.Group, rule.Rule, rule.RuleName
		errs = append(errs, e)
	}
	return unique(errs)
}

// split makes one error of each line of Prometheus's YAML errors, which come
// all at once.
func split(path string, err error) []*Error {
	text, several := strings.CutPrefix(err.Error(), "yaml: unmarshal errors:\n")
	if !several {
		return []*Error{newError(path, err.Error())}
	}
	var errs []*Error
	for line := range strings.Lines(text) {
		e := newError(path, line)
		if e.Line == 0 && len(errs) > 0 {
			errs[len(errs)-1].Message += " " + e.Message // its value has line breaks
			continue
		}
		errs = append(errs, e)
	}
	return errs
}

// place is how Prometheus's parsers begin a message: with a line, or a line and
// a column, of the rendered file. Of two places the second is dropped.
var place = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): |(\d+):\d+: (?:\d+:\d+: )?)`)

// newError takes the place out of the message, and makes it one line.
func newError(path, message string) *Error {
	e := &Error{File: path, Message: strings.Join(strings.Fields(message), " ")}
	if m := place.FindStringSubmatch(e.Message); m != nil {
		e.Line, _ = strconv.Atoi(m[1] + m[2])
		e.Message = e.Message[len(m[0]):]
	}
	return e
}

// unique sorts the errors and drops what is twice: Prometheus parses a rule
// file two times, and walks labels in random order.
func unique(errs []*Error) []*Error {
	slices.SortFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Group, b.Group), cmp.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(errs, func(a, b *Error) bool { return *a == *b })
}
