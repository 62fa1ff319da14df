package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oldTree and newTree are just enough of two releases.
func oldTree() map[string]string {
	return map[string]string{
		"discovery/aws/aws.go":    "package aws",
		"discovery/consul/c.go":   "package consul",
		"discovery/dns/dns.go":    "package dns",
		"discovery/http/http.go":  "package http",
		"discovery/file/file.go":  discoveryCode,
		"discovery/discovery.go":  "package discovery\ntype Configs []any",
		"discovery/no_test.go":    "this is not read",
		"model/relabel/rule.go":   relabelCode,
		"model/rulefmt/rule.go":   "package rulefmt\ntype RuleGroups struct { Groups []RuleNode `yaml:\"groups\"` }\ntype RuleNode struct { Record string `yaml:\"record\"` }",
		"config/config.go":        configCode,
		"cmd/prometheus/main.go":  featureCode,
		"promql/parser/lex.go":    "package parser\nvar key = map[string]ItemType{\"sum\": SUM, \"later\": LATER}",
		"promql/parser/funcs.go":  "package parser\nvar Functions = map[string]*Function{\"abs\": {Name: \"abs\"}, \"first\": {Experimental: true}, \"old\": {Experimental: false}}",
		grammarFile:               "aggregate_op : SUM ;\nnumber_duration_literal  : NUMBER ;\ngrouping_label : maybe_label ;\nother : STRING ;\n",
		"cmd/prometheus/other.go": "package main\nfunc other(s string) { switch s { case \"x\": } }",
	}
}

func newTree() map[string]string {
	tree := maps.Clone(oldTree())
	tree["config/config.go"] = strings.ReplaceAll(strings.ReplaceAll(configCode, "going", "coming"), "// more", "Section *Section `yaml:\"section\"`\n}\ntype Section struct { Any map[string]Named `yaml:\",inline\"` }\ntype Named struct { Value string `yaml:\"value\"`")
	tree["model/relabel/rule.go"] = strings.ReplaceAll(relabelCode, "// more", `Later Action = "later"`)
	tree["model/rulefmt/rule.go"] = strings.ReplaceAll(tree["model/rulefmt/rule.go"], "RuleNode", "Rule")
	tree["cmd/prometheus/main.go"] = strings.ReplaceAll(featureCode, `"old"`, `"new"`)
	tree["promql/parser/funcs.go"] = "package parser\nvar Functions = map[string]*Function{\"abs\": {Name: \"abs\"}, \"first\": {}}"
	tree[grammarFile] = "aggregate_op    : SUM |\n LATER;\nnumber_duration_literal : NUMBER | DURATION ;\ngrouping_label : maybe_label | STRING { TRIM_UPPER } ;\nstring_identifier : STRING ;\n"
	tree["cmd/prometheus/main.go"] += "var options = parser.Options{ExperimentalDurationExpr: true}"
	return tree
}

const grammarFile = "promql/parser/generated_parser.y"

const (
	configCode = `package config
import (
	"time"
	prom "github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"
	"example.com/labels/v2"
)
type Config struct {
	Jobs  []*Job ` + "`yaml:\"jobs,omitempty\"`" + `
	Every time.Duration ` + "`yaml:\"every\"`" + `
	Words map[string]string ` + "`yaml:\"words\"`" + `
	Label labels.Labels ` + "`yaml:\"label\"`" + `
	Plain int
	Never string ` + "`yaml:\"-\"`" + `
	loaded bool
	// more
}
type Job struct {
	Client ` + "`yaml:\",inline\"`" + `
	Found prom.Configs ` + "`yaml:\"-\"`" + `
	Rules []relabel.Rule ` + "`yaml:\"rules\"`" + `
}
type Client struct { Going bool ` + "`yaml:\"going\"`" + ` }
`
	discoveryCode = `package file
import "github.com/prometheus/prometheus/discovery"
func init() { discovery.RegisterConfig(&SDConfig{}) }
type SDConfig struct { Files []string ` + "`yaml:\"files\"`" + ` }
func (*SDConfig) Name() string { return "file" }
`
	relabelCode = `package relabel
type Action string
const (
	Keep Action = "keep"
	// more
)
type Rule struct { Action Action ` + "`yaml:\"action\"`" + ` }
`
	featureCode = `package main
type flags struct{}
func (f *flags) setFeatureListOptions(names []string) {
	for _, n := range names { switch n { case "old", "", "both": } }
}
`
)

const wantTable = header + `
releases 2.55 3.0

type config.Config
  every -
  jobs []config.Job
  label -
  plain -
  section config.Section since 3.0
  words -

type config.Job
  coming - since 3.0
  file_sd_configs []discovery/file.SDConfig
  going - gone 3.0
  rules []relabel.Rule
  static_configs []targetgroup.Group

type config.Named
  value - since 3.0

type config.Section
  * config.Named since 3.0

type discovery/file.SDConfig
  files -

type relabel.Rule
  action =relabel.Action

type rulefmt.Rule
  record -

type rulefmt.RuleGroups
  groups []rulefmt.Rule

type targetgroup.Group
  labels -
  targets -

values relabel.Action
  keep
  later since 3.0

features
  both
  new since 3.0
  old gone 3.0

functions
  abs
  first
  old gone 3.0

experimental
  first gone 3.0

aggregators
  later since 3.0
  sum

syntax
  duration-expr since 3.0
  number-duration
  quoted-grouping since 3.0
  quoted-name since 3.0
  trim since 3.0
`

// TestTable: what two releases' sources say becomes a table that leads to the
// fields of each.
func TestTable(t *testing.T) {
	t.Parallel()
	found := []*knowledge{read(t, "2.55.1", oldTree()), read(t, "3.0.0", newTree())}
	table, err := merge(found)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.check(found); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(wantTable, string(table.text())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	delete(found[1].types["config.Job"], "rules")
	if err := table.check(found); err == nil || !strings.Contains(err.Error(), "wrong for Prometheus 3.0") {
		t.Errorf("a wrong table: %v", err)
	}
}

// TestBack: a field that comes back is more than a table of since and gone can say.
func TestBack(t *testing.T) {
	t.Parallel()
	_, err := merge([]*knowledge{read(t, "2.54.0", oldTree()), read(t, "2.55.0", newTree()), read(t, "3.0.0", oldTree())})
	if err == nil || !strings.Contains(err.Error(), "was gone and is back") {
		t.Errorf("%v", err)
	}
}

// read is what a tree of sources knows.
func read(t *testing.T, version string, tree map[string]string) *knowledge {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tree {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k, err := (&source{dir: dir, pkgs: map[string]*pkg{}}).knowledge(version)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestModuleVersion(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{"2.42.0": "v0.42.0", "2.53.3": "v0.53.3", "3.0.1": "v0.300.1", "3.15.0": "v0.315.0"} {
		if got, err := moduleVersion(release); err != nil || got != want {
			t.Errorf("%s: %s, %v", release, got, err)
		}
	}
	for _, release := range []string{"", "3", "3.15", "3.x.1"} {
		if got, err := moduleVersion(release); err == nil {
			t.Errorf("%q: %s", release, got)
		}
	}
}
