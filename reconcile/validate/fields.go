package validate

import (
	"bytes"
	"fmt"
	"maps"

	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/validate/releases"
	"ecs-scrape/spec"
)

// piece is a part of an object that is Prometheus's.
type piece struct {
	kind string // its type, as in releases
	node *yaml.Node
	path string
}

// pieces are those parts of an object that Prometheus reads. The relabelConfigs
// of a ScrapeTarget are not among them: they are run here.
func pieces(o *spec.Object) []piece {
	switch {
	case o.PrometheusRule != nil:
		return []piece{{releases.Group, o.PrometheusRule.Groups.Node, o.GroupsPath()}}
	case o.ScrapeTarget != nil:
		return []piece{{releases.Job, o.ScrapeTarget.ScrapeConfig.Node, "spec.scrapeConfig"}}
	case o.PrometheusConfig == nil:
		return nil
	}
	s := o.PrometheusConfig
	out := []piece{{releases.Config, s.Config.Node, "spec.config"}}
	for i := range s.ScrapeClasses {
		out = append(out, piece{releases.Job, s.ScrapeClasses[i].ScrapeConfig.Node, index("spec.scrapeClasses", i) + ".scrapeConfig"})
	}
	for i := range s.Alertmanagers {
		out = append(out, piece{releases.Alertmanager, s.Alertmanagers[i].Config.Node, index("spec.alertmanagers", i) + ".config"})
	}
	return out
}

// declaration is the Prometheus that a PrometheusConfig says will load it.
type declaration struct {
	of      *spec.Object // the PrometheusConfig
	version releases.Version
	assumed bool // that no version is declared, and the newest that we know is meant
}

func declarationOf(config *spec.Object) declaration {
	v, ok := releases.ParseVersion(config.PrometheusConfig.Prometheus.Version)
	if !ok {
		v = releases.Known().Newest()
	}
	return declaration{of: config, version: v, assumed: !ok}
}

// Fields finds what an object says that the declared Prometheus does not know, and
// an older or a newer one does, sorted by place. config is the PrometheusConfig
// that the object is loaded with; not used for a PrometheusConfig.
func Fields(config, o *spec.Object) []spec.Problem {
	if o.PrometheusConfig != nil {
		config = o
	}
	d := declarationOf(config)
	var out []spec.Problem
	for _, p := range pieces(o) {
		for _, f := range releases.Known().Lacking(d.version, p.kind, p.node, p.path) {
			out = append(out, d.problem(o, f))
		}
	}
	return out
}

// problem is what is wrong, at the field's name or at the value.
func (d declaration) problem(o *spec.Object, f releases.Finding) spec.Problem {
	n := f.Key
	if f.Value != "" {
		n = f.Node
	}
	at := o.Position
	if n.Line > 0 {
		at.Line, at.Column = n.Line, n.Column
	}
	return spec.Problem{Position: at, Object: o.ID, Path: f.Path, Message: d.message(f)}
}

func (d declaration) message(f releases.Finding) string {
	what, remedy := "it", "remove it"
	if f.Value != "" {
		what, remedy = fmt.Sprintf("the value %q", f.Value), "write another"
	}
	switch {
	case !f.Over(d.version):
		return fmt.Sprintf("Prometheus %s does not know %s (since %s): raise spec.prometheus.version of %s and the Prometheus itself, or %s",
			d.version, what, f.Since, d.name(), remedy)
	case d.assumed:
		return fmt.Sprintf("Prometheus %s, which is meant where no version is declared, does not know %s any more (gone since %s): %s, or declare an older Prometheus in spec.prometheus.version of %s",
			d.version, what, f.Gone, remedy, d.name())
	}
	return fmt.Sprintf("Prometheus %s does not know %s any more (gone since %s): %s", d.version, what, f.Gone, remedy)
}

func (d declaration) name() string {
	return fmt.Sprintf("%s %q", d.of.Kind, d.of.Name)
}

// Fit finds what a rendered prometheus.yml says that the declared Prometheus does
// not know. Every object was judged by [Fields], so this is for what is ours, of
// which rule files have nothing.
func Fit(files artifact.Files, config *spec.Object) []*Error {
	var doc yaml.Node
	if yaml.Unmarshal(files[artifact.ConfigFile], &doc) != nil || len(doc.Content) == 0 {
		return nil // Prometheus's own code says so
	}
	d := declarationOf(config)
	var out []*Error
	for _, f := range releases.Known().Lacking(d.version, releases.Config, doc.Content[0], "") {
		out = append(out, &Error{File: artifact.ConfigFile, Line: f.Key.Line, Message: f.Path + ": " + d.message(f)})
	}
	return out
}

// Outlived is the files without the fields that the Prometheus which judges no
// longer knows, so that it can judge the rest: the declared one may know them, and
// whether it does say [Fields] and [Fit].
func Outlived(files artifact.Files) artifact.Files {
	data := files[artifact.ConfigFile]
	if !mentions(data, releases.Known().OutlivedNames()) {
		return files
	}
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return files
	}
	gone := map[*yaml.Node]bool{}
	for _, f := range releases.Known().Outlived(releases.Config, doc.Content[0]) {
		gone[f.Node] = true
	}
	prune(doc.Content[0], gone)
	out := maps.Clone(files)
	if data, err := yaml.Marshal(&doc); err == nil && len(gone) > 0 {
		out[artifact.ConfigFile] = data
	}
	return out
}

func mentions(data []byte, names []string) bool {
	for _, name := range names {
		if bytes.Contains(data, []byte(name)) {
			return true
		}
	}
	return false
}

// prune takes the fields with these values out of the node, which is changed.
func prune(n *yaml.Node, gone map[*yaml.Node]bool) {
	var kept []*yaml.Node
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && (gone[c] || i+1 < len(n.Content) && i%2 == 0 && gone[n.Content[i+1]]) {
			continue
		}
		prune(c, gone)
		kept = append(kept, c)
	}
	n.Content = kept
}
