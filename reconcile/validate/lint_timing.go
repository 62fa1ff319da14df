package validate

import (
	"cmp"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

// Prometheus's own defaults, and the shortest interval that is surely meant.
const (
	standardInterval = time.Minute
	standardTimeout  = 10 * time.Second
	shortest         = time.Second
)

// timing is how often and how long something is scraped, and who said so.
type timing struct {
	interval, timeout time.Duration
	intervalOf        string // "" is Prometheus's default
	timeoutOf         string // "" is a default, which gives way to any interval
}

func globalTiming(config *yaml.Node) timing {
	t := timing{interval: standardInterval, timeout: standardTimeout}
	return t.under(at(config, "global"), "the global one")
}

// under is the timing of what inherits this one. owner is who says it there.
func (t timing) under(n *yaml.Node, owner string) timing {
	if d := duration(scalarAt(n, "scrape_interval")); d > 0 {
		t.interval, t.intervalOf = d, owner
	}
	if d := duration(scalarAt(n, "scrape_timeout")); d > 0 {
		t.timeout, t.timeoutOf = d, owner
	}
	return t
}

// duration is 0 where there is none, or none that Prometheus takes.
func duration(text string) time.Duration {
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0
	}
	return time.Duration(d)
}

func (l *linter) interval(n *yaml.Node, path string) {
	if d := duration(n.Value); d > 0 && d < shortest {
		l.add(CodeInterval, n, path, shortInterval, n.Value)
	}
}

const shortInterval = "%s is shorter than a second, which few targets and few disks bear; use 1s or more"

// lowered tells where an interval cuts a timeout that was asked for elsewhere.
func (l *linter) lowered(n *yaml.Node, path string, above timing) {
	d := duration(scalarAt(n, "scrape_interval"))
	if d > 0 && scalarAt(n, "scrape_timeout") == "" && above.cut(d) {
		l.add(CodeLowered, spec.Field(n, "scrape_interval"), path+".scrape_interval", "%s; add scrape_timeout", above.cutBy(d))
	}
}

// cut says that somebody asked for a longer timeout than the interval.
func (t timing) cut(interval time.Duration) bool { return t.timeoutOf != "" && t.timeout > interval }

func (t timing) cutBy(interval time.Duration) string {
	return fmt.Sprintf("is shorter than the timeout %s, %s, so scrapes are given up after %s", short(t.timeout), t.timeoutOf, short(interval))
}

func short(d time.Duration) string { return model.Duration(d).String() }

// target looks at a ScrapeTarget in its class.
func (l *linter) target(config *spec.PrometheusConfigSpec, s *spec.ScrapeTargetSpec) {
	pool, scheme := globalTiming(config.Config.Node), scalarAt(s.ScrapeConfig.Node, "scheme")
	if class, ok := config.Class(s.Class()); ok {
		pool = pool.under(class.ScrapeConfig.Node, "that of the class "+class.Name)
		scheme = cmp.Or(scheme, scalarAt(class.ScrapeConfig.Node, "scheme"))
	}
	own := pool.under(s.ScrapeConfig.Node, "that of spec.scrapeConfig")
	l.pool(s.ScrapeConfig.Node, "spec.scrapeConfig", pool)
	if n := s.RelabelConfigs.Node; n != nil {
		l.relabelLabels(n, "spec.relabelConfigs")
	}
	l.twins(s, cmp.Or(scheme, "http"))
	if writes(s.RelabelConfigs.Node, model.ScrapeIntervalLabel) || writes(s.RelabelConfigs.Node, model.ScrapeTimeoutLabel) {
		return
	}
	for i := range s.Endpoints {
		l.endpoint(&s.Endpoints[i], index("spec.endpoints", i), own, duration(config.Enforced.MinInterval))
	}
}

// endpoint looks at an endpoint whose pool has the timing. Prometheus refuses a
// target whose timeout is longer than its interval.
func (l *linter) endpoint(e *spec.Endpoint, path string, pool timing, least time.Duration) {
	interval, timeout := duration(e.Interval), duration(e.Timeout)
	effective := max(pool.interval, least)
	switch {
	case interval == 0 && timeout > effective:
		l.addAt(CodeTimeout, path+".timeout", "%s is longer than the interval %s, %s, and Prometheus refuses such a target; lower it, or set interval",
			e.Timeout, short(effective), cmp.Or(pool.intervalOf, "Prometheus's default"))
	case interval > 0 && timeout == 0 && pool.cut(max(interval, least)):
		l.addAt(CodeLowered, path+".interval", "%s; add timeout", pool.cutBy(max(interval, least)))
	}
	if interval > 0 && max(interval, least) < shortest {
		l.addAt(CodeInterval, path+".interval", shortInterval, e.Interval)
	}
}
