package validate

import (
	"errors"
	"fmt"
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
	// File is the path of the rendered file.
	File string
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
		errs = append(errs, &Error{File: artifact.ConfigFile, Message: oneLine(err)})
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
		e := &Error{File: path, Message: oneLine(err)}
		var rule *rulefmt.Error
		if errors.As(err, &rule) {
			e.Group, e.Rule, e.Name = rule.Group, rule.Rule, rule.RuleName
			e.Message = ownWords(rule)
		}
		errs = append(errs, e)
	}
	return errs
}

// ownWords is the message without the place in the rendered file, which is not
// the place in the user's.
func ownWords(e *rulefmt.Error) string {
	if err := e.Err.Unwrap(); err != nil {
		return oneLine(err)
	}
	return oneLine(e)
}

// oneLine joins the lines of Prometheus's YAML errors.
func oneLine(err error) string {
	var parts []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, " ")
}
