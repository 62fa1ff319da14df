package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

// notRead is a snapshot in which nothing has been read yet.
func notRead() *inventory.Snapshot {
	return &inventory.Snapshot{Sources: []inventory.SourceStatus{{Source: inventory.Source{Region: prod.Region}}}}
}

// TestHeldTargetsAreGuarded: what is kept while nothing is known takes no
// credentials elsewhere, whatever it is kept in.
func TestHeldTargetsAreGuarded(t *testing.T) {
	const (
		open    = "{name: open}"
		gold    = "{name: gold, scrapeConfig: {basic_auth: {username: u, password: p}}}"
		allowed = "{name: gold, allowRetarget: true, scrapeConfig: {basic_auth: {username: u, password: p}}}"
		secure  = "{name: gold, scrapeConfig: {scheme: https, basic_auth: {username: u, password: p}}}"
		barter  = "{name: open, scrapeConfig: {basic_auth: {username: u, password: p}}}"
		moved   = "  relabelConfigs: [{target_label: __address__, replacement: 'evil.example:80'}]\n"
		movedIP = "  relabelConfigs: [{target_label: __address__, replacement: '192.0.2.1:80'}]\n"
		own     = "  scrapeConfig: {sample_limit: 9}\n"
	)
	classes := func(all ...string) string { return configWith("  scrapeClasses: " + fmt.Sprint(all) + "\n") }
	config := func(second string) string { return classes(open + "," + second) }
	target := func(class, more string) string {
		return scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090}]\n  scrapeClass: "+class+"\n"+more)
	}
	refused := []string{"retarget-refused "}
	for _, tt := range []struct {
		name     string
		before   [2]string
		after    [2]string
		findings []string
	}{
		{"moved to a class with credentials", [2]string{config(gold), target("open", moved)}, [2]string{config(gold), target("gold", moved)}, refused},
		{"no rule moves it any more", [2]string{config(gold), target("open", moved)}, [2]string{config(gold), target("gold", "")}, refused},
		{"to another IP address", [2]string{config(gold), target("open", movedIP)}, [2]string{config(gold), target("gold", "")}, refused},
		{"in its own pool", [2]string{config(gold), target("open", own+moved)}, [2]string{config(gold), target("gold", own+moved)}, refused},
		{"its class has got credentials", [2]string{classes(open), target("open", moved)}, [2]string{classes(barter), target("open", moved)}, refused},
		{"the class allows it", [2]string{config(allowed), target("open", moved)}, [2]string{config(allowed), target("gold", moved)}, []string{}},
		{"by another scheme", [2]string{config(secure), target("open", "")}, [2]string{config(secure), target("gold", "")}, refused},
		{"at its own address", [2]string{config(gold), target("open", "")}, [2]string{config(gold), target("gold", "")}, []string{}},
		{"away from credentials", [2]string{config(gold), target("gold", "")}, [2]string{config(gold), target("open", "")}, []string{}},
		{
			"with an odd label",
			[2]string{configWith("  prometheus: {version: '3.5'}\n"), scrapeTarget("web", anyPort+"  labels: {a.b: x}\n")},
			[2]string{bareConfig, scrapeTarget("web", anyPort)},
			[]string{"illegal-label "},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live := build(t, &replicas(1).Snapshot, nil, tt.before[:]...).Bundle.Pools
			if artifact.Found(live) != 1 {
				t.Fatalf("%d targets are published", artifact.Found(live))
			}
			p := build(t, notRead(), live, tt.after[:]...)
			if diff := cmp.Diff(tt.findings, codes(p)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if want := 1 - len(tt.findings); p.Held != want || artifact.Found(p.Bundle.Pools) != want || p.Withheld["web"] != 1-want {
				t.Errorf("holds %d, publishes %v, withholds %v", p.Held, addresses(p), p.Withheld)
			}
		})
	}
}

// TestHeldTargetOfNoRecord: of a target whose record was lost a name is all the
// proof there is that it was moved.
func TestHeldTargetOfNoRecord(t *testing.T) {
	gold := configWith("  scrapeClasses: [{name: default, scrapeConfig: {basic_auth: {username: u, password: p}}}]\n")
	for rule, want := range map[string]int{"": 1, "  relabelConfigs: [{target_label: __address__, replacement: 'evil.example:80'}]\n": 0} {
		live := build(t, &replicas(1).Snapshot, nil, bareConfig, scrapeTarget("web", anyPort+rule)).Bundle.Pools
		for i := range live {
			for j := range live[i].Targets {
				live[i].Targets[j].Origin = artifact.Origin{}
			}
		}
		p := build(t, notRead(), live, gold, scrapeTarget("web", anyPort))
		if got := artifact.Found(p.Bundle.Pools); got != want || len(p.Findings) != 1-want {
			t.Errorf("%q: publishes %d, want %d; findings %v", rule, got, want, p.Findings)
		}
	}
}

func TestHeldTargetsAreNotAskedTooOften(t *testing.T) {
	often := scrapeTarget("web", "  selector: {}\n  endpoints: [{port: 9090, interval: 15s}]\n")
	live := build(t, &replicas(2).Snapshot, nil, bareConfig, often).Bundle.Pools
	p := build(t, notRead(), live, configWith("  enforced: {min_interval: 2m}\n"), often)
	var got []string
	for _, target := range p.Bundle.Pools[0].Targets {
		got = append(got, target.Labels.Get("__scrape_interval__"))
	}
	if !slices.Equal(got, []string{"2m", "2m"}) || !slices.Equal(codes(p), []string{"interval-raised "}) {
		t.Errorf("intervals %v, findings %v", got, codes(p))
	}
}
