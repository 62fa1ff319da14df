package reconcile_test

import (
	"strings"
	"testing"
)

// TestExplainSaysOfWhichVersion: the funnel of an older version says so, and an
// object without one says why.
func TestExplainSaysOfWhichVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	first := status(w.pass(), "ScrapeTarget/api").Served
	w.source.Set(map[string]string{
		"main.yaml": config("main", "  scrapeTargetSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}\n"),
		"api.yaml":  scrape("api", "5", ""), "other.yaml": ofTeam("x", scrape("other", "o", "")), "never.yaml": scrape("never", "5", ""),
	})
	p := w.pass()
	for name, want := range map[string]string{
		"api":   "serves its last valid version " + first + "; what follows is of that one\n  clusters",
		"other": "is not served: spec.scrapeTargetSelector of PrometheusConfig/main does not choose it, by its metadata.labels: change one of the two\n",
		"never": "is not served: no version of it that was valid is known here, so it is left out\n",
		"web":   "",
	} {
		e, err := p.Explain(name)
		if err != nil {
			t.Fatal(err)
		}
		text := e.Text()
		if !strings.Contains(text, want) || want == "" && (strings.Contains(text, "serve") || e.Objects[0].Served != e.Objects[0].Observed) {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
