package plan

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"ecs-scrape/spec"
)

// Refused are the reasons why one object may not be served with its
// PrometheusConfig, beside what Prometheus itself says: of a ScrapeTarget what
// the operator forbids it, of a PrometheusConfig what its Prometheus would not
// start with. config is not used for a PrometheusConfig.
func Refused(config, o *spec.Object) []spec.Problem {
	switch {
	case o.PrometheusConfig != nil:
		return refusedAgent(o)
	case o.ScrapeTarget == nil:
		return nil
	}
	class, ok := config.PrometheusConfig.Class(o.ScrapeTarget.Class())
	if !ok {
		return []spec.Problem{refusal(o, "spec.scrapeClass", "%s", UnknownClass(config, o))}
	}
	out := refusedClass(config, class, o)
	out = append(out, refusedRetarget(class, o)...)
	out = append(out, UnknownMeta(o)...)
	return append(out, refusedLabels(config, class, o)...)
}

func refusal(o *spec.Object, path, format string, args ...any) spec.Problem {
	return spec.Problem{Position: o.Place(path), Object: o.ID, Path: path, Message: fmt.Sprintf(format, args...)}
}

// refusedClass says that the class is not for this object.
func refusedClass(config *spec.Object, class *spec.ScrapeClass, o *spec.Object) []spec.Problem {
	if class.AllowedFor == nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(class.AllowedFor)
	if err == nil && selector.Matches(labels.Set(o.Metadata.Labels)) {
		return nil
	}
	return []spec.Problem{refusal(o, "spec.scrapeClass",
		"scrape class %q is only for objects whose metadata.labels match %s; name another class, or have the operator widen allowedFor in %s",
		class.Name, metav1.FormatLabelSelector(class.AllowedFor), config.ID)}
}

// retargeting are the job-level fields that send a request, and the credentials
// with it, elsewhere, say who may be taken for the other side, or give it more to
// carry.
var retargeting = []string{
	"proxy_url", "proxy_from_environment", "no_proxy", "proxy_connect_header", "http_headers", "scheme",
	"tls_config", "follow_redirects",
}

// refusedRetarget says which fields would send the credentials of the class
// where its owner did not mean them to go.
func refusedRetarget(class *spec.ScrapeClass, o *spec.Object) []spec.Problem {
	if mayRetarget(class) {
		return nil
	}
	var out []spec.Problem
	refuse := func(path, value string) {
		out = append(out, refusal(o, path,
			"refused: scrape class %q has credentials, and %s would send them elsewhere than it says; remove the field, or have the operator set allowRetarget in the class",
			class.Name, value))
	}
	for k, v := range spec.Pairs(o.ScrapeTarget.ScrapeConfig.Node) {
		if slices.Contains(retargeting, k.Value) && !sameSetting(k.Value, v, spec.Field(class.ScrapeConfig.Node, k.Value)) {
			refuse("spec.scrapeConfig."+k.Value, k.Value)
		}
	}
	for i, e := range o.ScrapeTarget.Endpoints {
		if e.Scheme != "" && e.Scheme != schemeOf(spec.Field(class.ScrapeConfig.Node, "scheme")) {
			refuse(fmt.Sprintf("spec.endpoints[%d].scheme", i), "scheme "+e.Scheme)
		}
	}
	return out
}

// mayRetarget says that objects of the class may be scraped by another scheme,
// through a proxy or at an address of their own choice: it has no credentials to
// lose, or its owner allows it.
func mayRetarget(class *spec.ScrapeClass) bool {
	return class.AllowRetarget || !hasCredentials(class.ScrapeConfig.Node)
}

// HasCredentials says that scrapes with these settings of a job show who scrapes.
func HasCredentials(job *yaml.Node) bool { return hasCredentials(job) }

// hasCredentials says that scrapes with these settings show who scrapes.
func hasCredentials(n *yaml.Node) bool {
	for k, v := range spec.Pairs(n) {
		switch k.Value {
		case "basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "sigv4", "azuread", "google_iam",
			"proxy_connect_header":
			return true
		case "tls_config":
			if hasAny(v, "cert", "cert_file", "key", "key_file", "key_ref", "cert_ref") {
				return true
			}
		case "http_headers":
			for _, header := range spec.Pairs(v) {
				if hasAny(header, "secrets", "files") {
					return true
				}
			}
		case "proxy_url":
			if strings.Contains(v.Value, "@") {
				return true
			}
		}
	}
	return false
}

func hasAny(n *yaml.Node, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return spec.Field(n, name) != nil })
}

func sameSetting(name string, a, b *yaml.Node) bool {
	switch name {
	case "scheme":
		return schemeOf(a) == schemeOf(b)
	case "follow_redirects":
		return follows(a) == follows(b)
	}
	return sameNode(a, b)
}

// follows says whether a class's or an object's redirects are followed, which
// they are where it does not say. YAML 1.1 has several words for no.
func follows(n *yaml.Node) bool {
	yes := true
	if n != nil && n.Decode(&yes) != nil {
		return true
	}
	return yes
}

// schemeOf is the scheme that a class's field says, which is http without one.
func schemeOf(n *yaml.Node) string {
	if n == nil {
		return "http"
	}
	return orDefault(n.Value, "http")
}

func sameNode(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Value == b.Value && slices.EqualFunc(a.Content, b.Content, sameNode)
}

// refusedLabels says which label names this Prometheus does not take: one that
// it does not makes it refuse the whole target file.
func refusedLabels(config *spec.Object, class *spec.ScrapeClass, o *spec.Object) []spec.Problem {
	why := plainOnly(config, class, o)
	if why == "" {
		return nil
	}
	var out []spec.Problem
	judge := func(at string, names []string) {
		for _, name := range names {
			if !spec.PlainLabel(name) {
				p := refusal(o, spec.JoinPath(at, name), "%q is a label name for Prometheus 3 and UTF-8 names only, and %s; use letters, digits and underscores", name, why)
				p.Code = CodeIllegalLabel
				out = append(out, p)
			}
		}
	}
	judge("spec.labels", sortedNames(o.ScrapeTarget.Labels))
	judge("spec.labelsFrom", sortedNames(o.ScrapeTarget.LabelsFrom))
	return out
}

func sortedNames[V any](labels map[string]V) []string {
	var names []string
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// plainOnly is why only plain label names will do, or "".
func plainOnly(config *spec.Object, class *spec.ScrapeClass, o *spec.Object) string {
	s := config.PrometheusConfig
	if s.Prometheus.Version == "" {
		return fmt.Sprintf("spec.prometheus.version of %s does not say which this one is", config.ID)
	}
	if s.Prometheus.Before3() {
		return fmt.Sprintf("spec.prometheus.version of %s is %s", config.ID, s.Prometheus.Version)
	}
	const scheme = "metric_name_validation_scheme"
	for _, n := range []*yaml.Node{
		spec.Field(o.ScrapeTarget.ScrapeConfig.Node, scheme), spec.Field(class.ScrapeConfig.Node, scheme), spec.Field(spec.Field(s.Config.Node, "global"), scheme),
	} {
		if n != nil && n.Value != "" {
			if n.Value == "legacy" {
				return scheme + " is legacy"
			}
			return ""
		}
	}
	return ""
}

// refusedAgent is what a Prometheus with --agent does not start with
// (prometheus/config, LoadFile; versions before 3 want remote_write too).
func refusedAgent(o *spec.Object) []spec.Problem {
	s := o.PrometheusConfig
	if !s.Prometheus.Agent {
		return nil
	}
	var out []spec.Problem
	if len(s.Alertmanagers) > 0 {
		out = append(out, refusal(o, "spec.alertmanagers", "refused: an agent sends no alerts; remove alertmanagers, or spec.prometheus.agent"))
	}
	for _, name := range []string{"alerting", "remote_read"} {
		if n := spec.Field(s.Config.Node, name); n != nil && len(n.Content) > 0 {
			out = append(out, refusal(o, "spec.config."+name, "refused: Prometheus does not start as an agent with %s; remove it, or spec.prometheus.agent", name))
		}
	}
	if n := spec.Field(s.Config.Node, "remote_write"); n == nil || len(n.Content) == 0 {
		out = append(out, refusal(o, "spec.config.remote_write", "is missing: an agent keeps no samples, and would lose all; say where to write them, or remove spec.prometheus.agent"))
	}
	return out
}
