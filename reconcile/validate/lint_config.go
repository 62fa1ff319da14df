package validate

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/spec"
)

func (l *linter) config(s *spec.PrometheusConfigSpec) {
	l.version(s)
	l.features(s)
	config := s.Config.Node
	if config != nil {
		l.walk(config, "spec.config")
	}
	global := globalTiming(config)
	l.static = map[string]staticTarget{}
	l.each(at(config, "scrape_configs"), "spec.config.scrape_configs", func(job *yaml.Node, path string) {
		l.job(job, path)
		l.lowered(job, path, global)
		l.discovery(job, path)
		l.duplicates(job, path)
	})
	l.each(at(config, "alerting", "alertmanagers"), "spec.config.alerting.alertmanagers", func(am *yaml.Node, path string) {
		l.scheme(spec.Field(am, "scheme"), path+".scheme")
		l.addresses(am, path)
	})
	for i := range s.ScrapeClasses {
		l.pool(s.ScrapeClasses[i].ScrapeConfig.Node, index("spec.scrapeClasses", i)+".scrapeConfig", global)
	}
	for i := range s.Alertmanagers {
		path := index("spec.alertmanagers", i) + ".config"
		if n := s.Alertmanagers[i].Config.Node; n != nil {
			l.walk(n, path)
			l.scheme(spec.Field(n, "scheme"), path+".scheme")
		}
	}
}

// pool looks at the scrape_config fields of a class or of a ScrapeTarget.
func (l *linter) pool(n *yaml.Node, path string, above timing) {
	if n == nil {
		return
	}
	l.walk(n, path)
	l.job(n, path)
	l.lowered(n, path, above)
}

func (l *linter) each(list *yaml.Node, path string, look func(n *yaml.Node, path string)) {
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	for i, n := range list.Content {
		if n.Kind == yaml.MappingNode {
			look(n, index(path, i))
		}
	}
}

// job looks at what the URL of a scrape is made of.
func (l *linter) job(n *yaml.Node, path string) {
	l.scheme(spec.Field(n, "scheme"), path+".scheme")
	l.metricsPath(spec.Field(n, "metrics_path"), path+".metrics_path")
	l.addresses(n, path)
}

func (l *linter) scheme(n *yaml.Node, path string) {
	if n != nil && n.Kind == yaml.ScalarNode && n.Value != "" && n.Value != "http" && n.Value != "https" {
		l.add(CodeScheme, n, path, "%q is no scheme that Prometheus can speak; use http or https", n.Value)
	}
}

func (l *linter) metricsPath(n *yaml.Node, path string) {
	if n != nil && n.Kind == yaml.ScalarNode && n.Value != "" && !strings.HasPrefix(n.Value, "/") {
		l.add(CodePath, n, path, "%q does not begin with a slash; write /%s", n.Value, n.Value)
	}
}

// discovery says of a job that it can never have a target.
func (l *linter) discovery(job *yaml.Node, path string) {
	for key := range spec.Pairs(job) {
		if key.Value == "static_configs" || strings.HasSuffix(key.Value, "_sd_configs") {
			return
		}
	}
	l.add(CodeNoDiscovery, job, path, "has no discovery, so it never has a target; add static_configs or another one, or remove the job")
}

// addresses looks at static targets, and at the labels that say how to scrape
// them. Where relabelling writes the address, what stands here is something else.
func (l *linter) addresses(job *yaml.Node, path string) {
	bare := len(content(spec.Field(job, "relabel_configs"))) == 0
	final := !writes(spec.Field(job, "relabel_configs"), "__address__")
	l.each(spec.Field(job, "static_configs"), path+".static_configs", func(group *yaml.Node, path string) {
		labels := spec.Field(group, "labels")
		l.scheme(spec.Field(labels, "__scheme__"), path+".labels.__scheme__")
		l.metricsPath(spec.Field(labels, "__metrics_path__"), path+".labels.__metrics_path__")
		for i, n := range content(spec.Field(group, "targets")) {
			if final && n.Kind == yaml.ScalarNode && (!bare || !strings.Contains(n.Value, "/")) { // else Prometheus says it
				l.address(n, index(path+".targets", i))
			}
		}
	})
}

func (l *linter) address(n *yaml.Node, path string) {
	shown := strconv.Quote(n.Value)
	switch _, port, err := net.SplitHostPort(n.Value); {
	case strings.Contains(n.Value, "@"):
		l.add(CodeAddress, n, path, "holds a user; write host:port, and the user under basic_auth")
	case strings.ContainsAny(n.Value, " \t\n"):
		l.add(CodeAddress, n, path, "%s has a blank in it; write host:port", shown)
	case strings.Contains(n.Value, "/"):
		l.add(CodeAddress, n, path, "%s is no address but a URL; write host:port, and the rest as scheme and metrics_path", shown)
	case err != nil && noPort(n.Value):
		l.add(CodeNoPort, n, path, "%s has no port, so it is scraped at 80, or 443 with https, and instance has none either; write host:port", shown)
	case err != nil:
		l.add(CodeAddress, n, path, "%s is no address; write host:port, and an IPv6 address in brackets", shown)
	case !possible(port):
		l.add(CodeAddress, n, path, "%s has a port that cannot be; write one from 1 to 65535", shown)
	}
}

// noPort says that the address is a host alone.
func noPort(address string) bool {
	return address != "" && (!strings.Contains(address, ":") ||
		strings.HasPrefix(address, "[") && strings.HasSuffix(address, "]"))
}

func possible(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// writes says that relabelling may set a label, by name or by a pattern.
func writes(rules *yaml.Node, label string) bool {
	return slices.ContainsFunc(content(rules), func(r *yaml.Node) bool {
		name := scalarAt(r, "target_label")
		return name == label || strings.Contains(name, "$") || strings.EqualFold(scalarAt(r, "action"), "labelmap")
	})
}

func content(list *yaml.Node) []*yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return list.Content
}

// staticTarget is where a target was seen first.
type staticTarget struct {
	node *yaml.Node
	path string
}

// duplicates finds targets whose series would be one. Relabelling may tell them
// apart, so jobs with it are left alone.
func (l *linter) duplicates(job *yaml.Node, path string) {
	if len(content(spec.Field(job, "relabel_configs"))) > 0 {
		return
	}
	l.each(spec.Field(job, "static_configs"), path+".static_configs", func(group *yaml.Node, path string) {
		for i, n := range content(spec.Field(group, "targets")) {
			key, at := public(job, group, n.Value), index(path+".targets", i)
			if first, ok := l.static[key]; ok {
				l.add(CodeDuplicateTarget, n, at, "has the same labels as %s on line %d, so both write the same series; remove one, or give one a label of its own", first.path, first.node.Line)
				continue
			}
			l.static[key] = staticTarget{n, at}
		}
	})
}

// public are the labels that a static target's series have, as text.
func public(job, group *yaml.Node, address string) string {
	labels := map[string]string{"job": scalarAt(job, "job_name"), "instance": address}
	collect(labels, spec.Field(group, "labels"))
	maps.DeleteFunc(labels, func(name, _ string) bool { return strings.HasPrefix(name, "__") })
	return labelText(labels)
}
