package main

import (
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestPublishBesideLoose: the first revision is compared with the loose objects whose
// place it takes, and says so; also where they may not be read.
func TestPublishBesideLoose(t *testing.T) {
	p := newPress(t)
	must(t, p.sim.PutObject("specs", "team/main.yaml", []byte(publishConfig)))
	must(t, p.sim.PutObject("specs", "team/old.yaml", []byte(strings.NewReplacer("EXPR", "up", "name: up}", "name: old}").Replace(publishRule))))
	p.publish(0, []string{"--dry-run"}, "removed PrometheusRule/old", "added   PrometheusRule/up", "1 added, 0 changed, 1 removed",
		"2 loose objects there would count for nothing from then on")
	release := p.sim.Deny(awssim.Match{Service: "s3", Operation: "GetObject", Key: "team/old.yaml"})
	p.publish(0, []string{"--dry-run"}, "note: not all loose objects can be read", "old.yaml", "2 loose objects")
	release()
	p.publish(0, nil, "removed old.yaml", "added   rules/up.yaml", "2 loose objects there count for nothing from now on")
	p.write("rules/up.yaml", strings.Replace(publishRule, "EXPR", "up", 1))
	if out := p.run(0, []string{"publish", p.dir, pressed}, "changed rules/up.yaml"); strings.Contains(out, "loose") {
		t.Errorf("the second says\n%s", out)
	}
}

// TestPointerDamaged: where the pointer is damaged or gone, revisions are listed, can
// be used, and are followed by the next publication.
func TestPointerDamaged(t *testing.T) {
	for what, harm := range map[string]func(p *press){
		"is damaged": func(p *press) { must(p, p.sim.PutObject("specs", "team/.ecs-scrape/current", []byte("rubbish"))) },
		"more than": func(p *press) {
			must(p, p.sim.PutObject("specs", "team/.ecs-scrape/current", []byte(strings.Repeat(" ", 65<<10))))
		},
		"is gone": func(p *press) { must(p, p.sim.DeleteObject("specs", "team/.ecs-scrape/current")) },
	} {
		t.Run(what, func(t *testing.T) {
			p := newPress(t)
			p.publish(0, nil)
			first := p.revisions()[0].Digest
			harm(p)
			p.run(0, []string{"revisions", pressed}, "none is in use: s3://specs/team/.ecs-scrape/current ", what, "\n  "+first[:12])
			p.run(0, []string{"revisions", pressed, "--format", "json"}, `"error": "s3://specs/team/.ecs-scrape/current `)
			p.publish(0, []string{"--dry-run"}, "note: s3://", what, "no object would change")
			p.run(0, []string{"revisions", pressed, "--use", first[:8]}, "revision "+first[:12]+" is in use")
			p.publish(0, nil, "is in use and holds the same")
			harm(p)
			p.publish(0, nil, what, "published revision")
			for _, r := range p.revisions() {
				if r.Current && r.Previous != first {
					t.Errorf("the history is cut: %+v", r)
				}
			}
		})
	}
}

// TestManifestGone: the revision in use is listed also where its manifest is gone.
func TestManifestGone(t *testing.T) {
	p := newPress(t)
	p.publish(0, nil)
	gone := p.revisions()[0].Digest
	must(t, p.sim.DeleteObject("specs", "team/.ecs-scrape/revisions/"+gone))
	p.run(0, []string{"revisions", pressed}, "*  "+gone[:12], "is missing; publish again")
	p.publish(0, []string{"--dry-run"}, "is missing", "2 added")
	p.publish(0, nil, "is missing", "in place of "+gone[:12])
}

// TestContentDamaged: what is there is read back, and written anew where it is not
// what its name says.
func TestContentDamaged(t *testing.T) {
	p := newPress(t)
	p.publish(0, nil)
	content := "team/.ecs-scrape/objects/" + contentOf(publishConfig)
	for _, harm := range []string{strings.Repeat("#", len(publishConfig)), "#"} {
		must(t, p.sim.PutObject("specs", content, []byte(harm)))
		p.publish(0, []string{"--dry-run"})
		p.publish(0, nil, "is in use and holds the same 2 files", "0 uploaded, 1 there already, 1 damaged ones written anew")
		p.publish(0, nil, "0 uploaded, 2 there already\n")
		p.run(0, []string{"render", "--specs", pressed, "--output", t.TempDir()})
	}
	defer p.sim.Deny(awssim.Match{Service: "s3", Operation: "GetObject", Key: content})()
	p.publish(2, nil, "allow s3:GetObject on arn:aws:s3:::specs/team/*")
}

// TestNewerManifest: what a newer version published is not published over.
func TestNewerManifest(t *testing.T) {
	p := newPress(t)
	p.publish(0, nil)
	ours := p.revisions()[0].Digest
	const newer = `{"format": 2, "files": {}}`
	must(t, p.sim.PutObject("specs", "team/.ecs-scrape/revisions/"+contentOf(newer), []byte(newer)))
	must(t, p.sim.PutObject("specs", "team/.ecs-scrape/current", []byte(`{"format": 1, "revision": "`+contentOf(newer)+`"}`)))
	for _, args := range [][]string{nil, {"--dry-run"}} {
		p.publish(2, args, "needs a newer ecs-scrape")
	}
	p.run(0, []string{"revisions", pressed}, "*  "+contentOf(newer)[:12], "needs a newer ecs-scrape")
	p.run(0, []string{"revisions", pressed, "--use", ours}, "in place of "+contentOf(newer)[:12])
	p.publish(0, nil, "holds the same")
}
