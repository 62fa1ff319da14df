package plan

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// tmpPrefix begins the names of labels that rules hand on to later rules.
const tmpPrefix = "__tmp_"

// rule is one of an object's relabelConfigs.
type rule struct {
	config *relabel.Config
	// dropped says that the rule drops a target.
	dropped *fault
}

// compileRules has Prometheus read the rules, as it reads those of a job with
// the scheme of label names.
func compileRules(n *yaml.Node, scheme model.ValidationScheme) ([]rule, error) {
	if n == nil {
		return nil, nil
	}
	job := mapping(
		pair("job_name", str("relabelConfigs")),
		pair("metric_name_validation_scheme", str(scheme.String())),
		pair("relabel_configs", n),
	)
	text, err := encode(mapping(pair("scrape_configs", sequence(job))))
	if err != nil {
		return nil, fmt.Errorf("render spec.relabelConfigs: %w", err)
	}
	loaded, err := config.Load(string(text), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("spec.relabelConfigs cannot be read by Prometheus: %w", err)
	}
	var rules []rule
	for i, c := range loaded.ScrapeConfigs[0].RelabelConfigs {
		rules = append(rules, rule{c, &fault{code: CodeDropped, message: fmt.Sprintf(
			"spec.relabelConfigs[%d], action %s, drops it", i, c.Action)}})
	}
	return rules, nil
}

// relabel runs the object's rules over what Prometheus would start from, and
// leaves the labels as they are written; or it tells which rule drops the target.
func (b *builder) relabel() *fault {
	if len(b.rules) > 0 {
		// In the order of their names: where labelmap gives two labels one name, the
		// last stands. Prometheus itself leaves that to chance.
		b.lb.Reset(b.lb.Labels())
	}
	for _, r := range b.rules {
		if !relabel.ProcessBuilder(b.lb, r.config) {
			return r.dropped
		}
	}
	if b.starts() {
		b.tidy()
	}
	if b.lb.Get(model.InstanceLabel) == "" {
		b.lb.Set(model.InstanceLabel, b.lb.Get(model.AddressLabel))
	}
	b.lb.Set(PoolLabel, b.pool.Own) // "" removes it
	return nil
}

// tidy takes away what is not written: what only rules see, and what Prometheus
// sets by itself anyway. An interval that a rule has set is held to the minimum.
func (b *builder) tidy() {
	b.lb.Range(func(l labels.Label) {
		switch {
		case strings.HasPrefix(l.Name, model.MetaLabelPrefix), strings.HasPrefix(l.Name, tmpPrefix):
			b.lb.Del(l.Name)
		case !alwaysWritten(l.Name) && strings.HasPrefix(l.Name, model.ReservedLabelPrefix) && l.Value == b.implied.Get(l.Name):
			b.lb.Del(l.Name)
		}
	})
	if i, err := model.ParseDuration(b.lb.Get(model.ScrapeIntervalLabel)); err == nil && i < b.minimum {
		b.lb.Set(model.ScrapeIntervalLabel, b.raise(i).String())
	}
}

func alwaysWritten(name string) bool {
	switch name {
	case model.SchemeLabel, model.MetricsPathLabel, model.ScrapeIntervalLabel, model.ScrapeTimeoutLabel:
		return true
	}
	return false
}

// Discovered are the labels of every endpoint before relabelling, by object and
// in no particular order: what Prometheus would start from if it discovered them
// itself, with all __meta_ecs_* labels that the snapshot has facts for.
func Discovered(in Input) map[string][]labels.Labels {
	out := map[string][]labels.Labels{}
	in.observe = func(o *spec.Object, l labels.Labels) { out[o.Name] = append(out[o.Name], l) }
	Build(in)
	return out
}
