package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/controller/source"
	"ecs-scrape/spec"
)

const (
	publishConfig = "apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec:\n  config:\n    scrape_configs:\n" +
		"    - job_name: static\n      basic_auth: {username: u, password: planted}\n      static_configs: [{targets: [\"a:1\"]}]\n"
	publishRule = "apiVersion: ecs-scrape/v1\nkind: PrometheusRule\nmetadata: {name: up}\nspec:\n  groups:\n  - name: up\n    rules:\n    - {record: \"job:up:sum\", expr: \"EXPR\"}\n"
)

// press is a directory of specs and a bucket to publish them in.
type press struct {
	*testing.T
	sim *awssim.Sim
	dir string
}

const pressed = "s3://specs/team"

func newPress(t *testing.T) *press {
	t.Helper()
	sim, err := awssim.Start(awssim.Options{Quotas: awssim.NoQuotas()})
	must(t, err)
	t.Cleanup(sim.Close)
	useAccount(t, sim)
	must(t, sim.CreateBucket("specs"))
	p := &press{T: t, sim: sim, dir: t.TempDir()}
	p.write("main.yaml", publishConfig)
	p.write("rules/up.yaml", strings.Replace(publishRule, "EXPR", "sum by (job) (up)", 1))
	return p
}

func (p *press) write(name, text string) {
	p.Helper()
	path := filepath.Join(p.dir, name)
	must(p, os.MkdirAll(filepath.Dir(path), 0o755))
	must(p, os.WriteFile(path, []byte(text), 0o600))
}

// run runs a command, which must end so and say all of that on either stream. It
// never says a secret.
func (p *press) run(code int, args []string, says ...string) string {
	p.Helper()
	var out, errs bytes.Buffer
	if got := execute(p.Context(), args, strings.NewReader(""), &out, &errs); got != code {
		p.Fatalf("%v ends with %d, want %d:\n%s%s", args, got, code, out.String(), errs.String())
	}
	text := out.String() + errs.String()
	for _, want := range says {
		if !strings.Contains(text, want) {
			p.Errorf("%v does not say %q:\n%s", args, want, text)
		}
	}
	if strings.Contains(text, "planted") {
		p.Errorf("%v tells a secret:\n%s", args, text)
	}
	return out.String()
}

func (p *press) publish(code int, args []string, says ...string) {
	p.Helper()
	p.run(code, append([]string{"publish", p.dir, pressed}, args...), says...)
}

// revisions are as --format json tells.
func (p *press) revisions() []jsonRevision {
	p.Helper()
	var out struct{ Revisions []jsonRevision }
	must(p, json.Unmarshal([]byte(p.run(0, []string{"revisions", pressed, "--format", "json"})), &out))
	return out.Revisions
}

type jsonRevision struct {
	Digest, Message, Commit, By, Previous string
	Current                               bool
	Files                                 []struct{ Path string }
}

func TestPublish(t *testing.T) {
	p := newPress(t)
	p.run(2, []string{"revisions", pressed}, "s3://specs/team/: no revision was published there; publish one with")
	p.publish(0, []string{"--dry-run"}, "added   PrometheusConfig/main", "added   PrometheusRule/up", "<secret", "2 added, 0 changed, 0 removed")
	if puts, _ := p.sim.CallsTo("PutObject"); puts != 0 {
		t.Fatalf("a dry run writes %d objects", puts)
	}
	p.publish(0, []string{"--message", "the first", "--commit", "abc", "--author", "ann"}, "published revision", "added   rules/up.yaml", "2 uploaded, 0 there already")
	p.publish(0, nil, "is in use and holds the same 2 files", "0 uploaded, 2 there already")
	p.publish(0, []string{"--dry-run"}, "no object would change")

	p.write("rules/up.yaml", strings.Replace(publishRule, "EXPR", "sum(up)", 1))
	p.publish(0, []string{"--dry-run"}, "changed PrometheusRule/up", "-    - {record: \"job:up:sum\", expr: \"sum by (job) (up)\"}", "0 added, 1 changed, 0 removed")
	p.publish(0, []string{"--message", "the second"}, "in place of", "changed rules/up.yaml", "1 uploaded, 1 there already")
	all := p.revisions()
	if len(all) != 2 || all[0].Current == all[1].Current {
		t.Fatalf("revisions %+v", all)
	}
	first, second := all[0], all[1]
	if first.Message != "the first" {
		first, second = second, first
	}
	if first.Commit != "abc" || first.By != "ann" || !second.Current || second.Previous != first.Digest || len(second.Files) != 2 {
		t.Errorf("revisions %+v", all)
	}
	p.run(0, []string{"revisions", pressed}, "*  "+second.Digest[:12], "the first")

	back := []string{"revisions", pressed, "--use", first.Digest[:8]}
	p.run(0, back, "revision "+first.Digest[:12]+" is in use, in place of "+second.Digest[:12])
	p.run(0, back, "is in use already")
	p.publish(0, []string{"--dry-run"}, "changed PrometheusRule/up")
	p.run(2, []string{"revisions", pressed, "--use", "zz"}, `no revision "zz"`)
}

func TestPublishRefuses(t *testing.T) {
	p := newPress(t)
	p.write("rules/up.yaml", strings.Replace(publishRule, "EXPR", "sum(", 1))
	p.publish(1, nil, filepath.ToSlash(p.dir)+"/rules/up.yaml:", "not published")
	p.run(1, []string{"publish", t.TempDir(), pressed}, "no specs there")
	p.run(2, []string{"publish", filepath.Join(p.dir, "none"), pressed}, "no such file")
	p.run(2, []string{"publish", p.dir, "/tmp/x"}, "write s3://BUCKET/PREFIX")
	p.run(2, []string{"revisions", pressed, "--format", "x"}, "text or json")
	p.run(2, []string{"revisions", pressed, "--use", ""}, "--use is empty")
	p.run(2, []string{"revisions", pressed, "--limit", "-1"}, "--limit is -1")
	for _, prefix := range []string{".ecs-scrape", "a/.ecs-scrape", "..", "a/../b", ".", "a/./b", ".a", "a//b", `a\b`} {
		for _, args := range [][]string{{"publish", p.dir}, {"revisions"}} {
			p.run(2, append(args, "s3://specs/"+prefix), "is no prefix to publish at")
		}
	}
	if puts, _ := p.sim.CallsTo("PutObject"); puts != 0 {
		t.Errorf("%d objects were written", puts)
	}
	p.write("rules/up.yaml", strings.Replace(publishRule, "EXPR", "up", 1))
	release := p.sim.Deny(awssim.Match{Service: "s3", Operation: "PutObject"})
	p.publish(0, []string{"--dry-run"})
	p.publish(2, nil, "allow s3:PutObject on arn:aws:s3:::specs/team/*")
	release()
	p.publish(0, nil)
}

// TestGoingBackIsJudged: what is not whole, or not valid for this version, is not
// gone back to; what is damaged is published over.
func TestGoingBackIsJudged(t *testing.T) {
	p := newPress(t)
	p.publish(0, nil)
	p.write("rules/up.yaml", strings.Replace(publishRule, "EXPR", "sum(up)", 1))
	p.publish(0, nil)
	all := p.revisions()
	for _, r := range all {
		if !r.Current {
			must(t, p.sim.DeleteObject("specs", "team/.ecs-scrape/objects/"+contentOf(strings.Replace(publishRule, "EXPR", "sum by (job) (up)", 1))))
			p.run(2, []string{"revisions", pressed, "--use", r.Digest}, "is not whole: rules/up.yaml", "is missing")
		} else {
			must(t, p.sim.PutObject("specs", "team/.ecs-scrape/revisions/"+r.Digest, []byte("{}")))
		}
	}
	p.run(0, []string{"revisions", pressed}, "holds other bytes than its name says")
	p.publish(0, []string{"--dry-run"}, "note: revision", "holds other bytes than its name says", "added   PrometheusRule/up")
	p.publish(0, nil, "published revision")
	must(t, p.sim.PutObject("specs", "team/.ecs-scrape/current", []byte("rubbish")))
	p.publish(0, []string{"--dry-run"}, "is damaged", "publish again")
	p.publish(0, nil, "published revision")
	must(t, p.sim.PutObject("specs", "team/.ecs-scrape/current", []byte(`{"format": 2}`)))
	for _, args := range [][]string{nil, {"--dry-run"}} {
		p.publish(2, args, "needs a newer ecs-scrape")
	}
}

func contentOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// TestFreshDisk: what became invalid in a later revision, for this version, serves its
// last valid version also where no earlier run has kept it.
func TestFreshDisk(t *testing.T) {
	p := newPress(t)
	p.publish(0, nil)
	publisher, err := source.OpenPublisher(t.Context(), pressed)
	must(t, err)
	before, err := publisher.Current(t.Context())
	must(t, err)
	broken := []spec.File{
		{Name: "main.yaml", Data: []byte(publishConfig)},
		{Name: "rules/up.yaml", Data: []byte(strings.Replace(publishRule, "EXPR", "sum(", 1))},
	}
	_, err = publisher.Publish(t.Context(), before, broken, source.Origin{}) // as an older version would that took it
	must(t, err)
	output := t.TempDir()
	p.run(2, []string{"render", "--specs", pressed, "--output", output}, "PrometheusRule/up: its last valid version is served")
	if text := read(t, filepath.Join(output, "current", "rules", "up.yml")); !strings.Contains(text, "sum by (job) (up)") {
		t.Errorf("rules/up.yml is\n%s", text)
	}
}

// TestPublisherPermissions: publishing makes the calls that docs/publishing.md allows,
// and no others.
func TestPublisherPermissions(t *testing.T) {
	p := newPress(t)
	p.publish(0, nil)
	p.write("rules/up.yaml", strings.Replace(publishRule, "EXPR", "up", 1))
	p.publish(0, nil)
	p.run(0, []string{"revisions", pressed})
	if diff := cmp.Diff([]string{"s3:GetObject", "s3:ListBucket", "s3:PutObject"}, actions(p.sim)); diff != "" {
		t.Errorf("actions: -documented +called\n%s", diff)
	}
}
