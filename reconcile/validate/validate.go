package validate

import (
	"cmp"
	"errors"
	"fmt"
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

	"ecs-scrape/reconcile/artifact"
)

// Error is one thing that Prometheus would refuse.
type Error struct {
	// File is the path of the rendered file, and Line the line in it; 0 where
	// Prometheus names none.
	File string
	Line int
	// Group and Rule say which rule of a rule file it is about. Rule counts
	// from 1, as Prometheus does; 0 is the group or the file. Index counts the
	// groups from 1; 0 is where only the name is known.
	Group string
	Index int
	Rule  int
	// Field is the field of the group or the rule; "" where it cannot be told.
	Field string
	// Name is the record or the alert.
	Name string
	// Message is in Prometheus's own words, without secrets.
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

// Files judges prometheus.yml and the rule files beside it as the Prometheus of
// the options does. The configuration is as Prometheus resolves it, and nil where
// it does not parse; what it says of the environment is this process's, so it is
// to be read and never written.
func Files(files artifact.Files, o Options) (*config.Config, []*Error) {
	var errs []*Error
	cfg, err := config.Load(string(Outlived(files)[artifact.ConfigFile]), promslog.NewNopLogger())
	if err == nil && o.Agent {
		err = refusedByAgent(cfg)
	}
	if err != nil {
		cfg = nil
		errs = o.explainUnknown(split(artifact.ConfigFile, err))
	} else if o.Names == model.UnsetValidation {
		o.Names = cfg.GlobalConfig.MetricNameValidationScheme
	}
	return cfg, append(errs, Rules(files, o)...)
}

// Rules judges the rule files alone. Names are UTF-8 where the options do not say.
func Rules(files artifact.Files, o Options) []*Error {
	var errs []*Error
	rules := ruleFile{scheme: o.Names, parser: o.dialect()}
	if rules.scheme == model.UnsetValidation {
		rules.scheme = model.UTF8Validation
	}
	for _, path := range files.Paths() {
		if path != artifact.ConfigFile {
			rules.path = path
			errs = append(errs, rules.judge(files[path])...)
		}
	}
	return o.explainUnknown(errs)
}

// refusedByAgent is what config.LoadFile says in agent mode; config.Load, which
// needs no file, leaves it out.
func refusedByAgent(cfg *config.Config) error {
	switch {
	case len(cfg.AlertingConfig.AlertmanagerConfigs) > 0 || len(cfg.AlertingConfig.AlertRelabelConfigs) > 0:
		return errors.New("field alerting is not allowed in agent mode")
	case len(cfg.RuleFiles) > 0:
		return errors.New("field rule_files is not allowed in agent mode")
	case len(cfg.RemoteReadConfigs) > 0:
		return errors.New("field remote_read is not allowed in agent mode")
	}
	return nil
}

// Pools judges that Prometheus has a job for each target file.
func Pools(cfg *config.Config, pools []artifact.Pool) []*Error {
	jobs := map[string]bool{}
	for _, sc := range cfg.ScrapeConfigs {
		jobs[sc.JobName] = true
	}
	var errs []*Error
	for _, p := range pools {
		if p.Scraped() && !jobs[p.Name] {
			errs = append(errs, &Error{File: p.Path, Message: fmt.Sprintf("prometheus.yml has no job %q for it", p.Name)})
		}
	}
	return errs
}

// split makes one error of each line of Prometheus's YAML errors, which come
// all at once.
func split(path string, err error) []*Error {
	text, several := strings.CutPrefix(err.Error(), "yaml: unmarshal errors:\n")
	if !several {
		return []*Error{newError(path, err.Error())}
	}
	var messages []string
	for line := range strings.Lines(text) {
		if len(messages) > 0 && !place.MatchString(strings.TrimSpace(line)) {
			messages[len(messages)-1] += line // its value has line breaks
			continue
		}
		messages = append(messages, line)
	}
	var errs []*Error
	for _, message := range messages {
		errs = append(errs, newError(path, message))
	}
	return errs
}

// unique sorts the errors and drops what is twice: Prometheus parses a rule
// file two times, and walks labels in random order.
func unique(errs []*Error) []*Error {
	slices.SortFunc(errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Group, b.Group), cmp.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	errs = slices.CompactFunc(errs, func(a, b *Error) bool { return *a == *b })
	return slices.DeleteFunc(errs, func(e *Error) bool { return twin(errs, e) })
}

// twin says that the error is of Prometheus's second parse, whose types are
// named RuleNode and RuleGroupNode, and that the first one's is there too.
func twin(errs []*Error, e *Error) bool {
	other := *e
	other.Message = strings.TrimSuffix(e.Message, "Node")
	return other.Message != e.Message && slices.ContainsFunc(errs, func(o *Error) bool { return *o == other })
}
