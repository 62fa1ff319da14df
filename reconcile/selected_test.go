package reconcile_test

import (
	"slices"
	"strings"
	"testing"

	"ecs-scrape/reconcile"
	"ecs-scrape/spec"
)

func ofTeam(team, text string) string {
	return strings.Replace(text, "metadata: {", "metadata: {labels: {team: "+team+"}, ", 1)
}

const teamA = "  scrapeTargetSelector: {matchLabels: {team: a}}\n  ruleSelector: {matchLabels: {team: a}}\n"

// TestOthersAreNotJudged: what a PrometheusConfig does not select is no fault of
// its Prometheus, and keeps no change of it back.
func TestOthersAreNotJudged(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.yaml": config("a", teamA+"  scrapeClasses: [{name: silver}]\n"), "b.yaml": config("b", strings.ReplaceAll(teamA, "team: a", "team: b")+
			"  scrapeClasses: [{name: gold, scrapeConfig: {authorization: {credentials_file: 'secret:b'}}}]\n"),
		"api.yaml": ofTeam("a", scrape("api", "one", "")), "web.yaml": ofTeam("b", scrape("web", "two", "  scrapeClass: gold\n")),
		"rule.yaml": ofTeam("b", rule("r", "sum(")), "web2.yaml": ofTeam("b", scrape("web", "three", "")),
	}
	w := newWorld(t, files)
	w.options.Name, w.options.Secrets = "a", func(string) bool { return false }
	w.start(reconcile.Accepted{})
	p := w.pass()
	wantProblems(t, p)
	for _, id := range []string{"ScrapeTarget/web", "PrometheusRule/r", "PrometheusConfig/b"} {
		s := status(p, id)
		if c := s.Accepted(); !s.Other || s.Served != "" || c.Status != reconcile.Unknown || c.Reason != reconcile.ReasonNotSelected {
			t.Errorf("%s: %+v", id, c)
		}
	}
	w.source.Set(map[string]string{"a.yaml": config("a", teamA)})
	wantProblems(t, w.pass())
	w.source.Set(map[string]string{"api.yaml": ofTeam("b", scrape("api", "one", ""))})
	w.restart()
	wantProblems(t, w.pass())
	wantTargets(t, w, map[string][]string{})
}

// TestLeavesByItsLabels: an object that is not selected any more goes like a
// deleted one, also while the source cannot be read.
func TestLeavesByItsLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"main.yaml": config("main", teamA), "api.yaml": ofTeam("a", scrape("api", "one", ""))})
	w.pass()
	w.source.Set(map[string]string{"api.yaml": ofTeam("b", scrape("api", "one", ""))})
	w.pass()
	wantTargets(t, w, map[string][]string{})
	w.source.Fail(errBroken)
	w.restart()
	w.pass()
	wantTargets(t, w, map[string][]string{})
	w.source.Fail(nil)
	w.source.Set(map[string]string{"api.yaml": ofTeam("a", scrape("api", "5", ""))})
	if s := status(w.pass(), "ScrapeTarget/api"); s.Served != "" || s.Accepted().Reason != reconcile.ReasonNeverValid {
		t.Errorf("%+v", s.Accepted())
	}
}

// TestSelectorComesBack: a selector that left an object by mistake finds its last
// valid version again.
func TestSelectorComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	w.source.Set(map[string]string{"main.yaml": config("main", teamA)})
	w.pass()
	wantTargets(t, w, map[string][]string{})
	w.source.Set(map[string]string{"main.yaml": config("main", ""), "api.yaml": scrape("api", "new", "  scrapeClass: none\n")})
	w.restart()
	w.pass()
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
}

// TestValidateUnderThoseThatSelect: with several PrometheusConfigs each object is
// judged by those that select it, and none goes unjudged.
func TestValidateUnderThoseThatSelect(t *testing.T) {
	t.Parallel()
	b := strings.ReplaceAll(teamA, "team: a", "team: b")
	documents := func(a, b string) string {
		return strings.Join([]string{
			a, b, ofTeam("b", scrape("web", "two", "  scrapeClass: gold\n")), ofTeam("a", scrape("api", "one", "")),
			ofTeam("c", scrape("lost", "l", "  scrapeClass: any\n")), ofTeam("c", rule("broken", "sum(")), ofTeam("a", rule("bad", "max(")),
		}, "---\n")
	}
	const lost, badRule = "ScrapeTarget/lost not-selected", "PrometheusRule/broken "
	gold := "  scrapeClasses: [{name: gold}]\n"
	for _, c := range []struct {
		name, text, config string
		want               []string
	}{
		{"both are valid", documents(config("a", teamA), config("b", b+gold)), "", []string{lost, badRule, badRule + "not-selected", "PrometheusRule/bad "}},
		{"one lacks the class", documents(config("a", teamA), config("b", b)), "", []string{"ScrapeTarget/web ", lost, badRule, badRule + "not-selected", "PrometheusRule/bad "}},
		{"one is wrong", documents(config("a", teamA), config("b", b+"  config: {x: 1}\n")), "", []string{"PrometheusConfig/b ", lost, badRule, badRule + "not-selected", "PrometheusRule/bad "}},
		{"of one nothing is known", documents(config("a", teamA), config("b", "  x: 1\n")), "", []string{"PrometheusConfig/b ", badRule, "PrometheusRule/bad "}},
		{"one is named", documents(config("a", teamA), config("b", b)), "a", []string{"PrometheusRule/bad "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := reconcile.Validate(spec.Decode([]spec.File{{Name: "f", Data: []byte(c.text)}}), c.config)
			if err != nil {
				t.Error(err)
			}
			var got []string
			for _, p := range found {
				got = append(got, p.Object.String()+" "+p.Code)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q\n%s", got, c.want, text(found))
			}
		})
	}
}
