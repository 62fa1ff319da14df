package reconcile_test

import (
	"slices"
	"testing"
	"time"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
)

// collect removes all target files but those.
func (w *world) collect(keep ...string) {
	for path := range w.output.pools {
		if !slices.Contains(keep, path) {
			delete(w.output.pools, path)
		}
	}
}

// swap makes a configuration current, as what follows does.
func (w *world) swap(config artifact.Files) { w.output.config = config }

// TestGoingBackToCollectedPools: a pool whose file is gone has its targets before
// its configuration is current, and so has the pool that is loaded until then.
func TestGoingBackToCollectedPools(t *testing.T) {
	t.Parallel()
	files := good()
	files["web.yaml"] = ""
	w := newWorld(t, files)
	w.pass()
	before := w.output.config
	w.source.Set(map[string]string{"api.yaml": scrape("api", "one", "  scrapeConfig: {sample_limit: 5}\n")})
	w.pass()
	w.collect(ownFile)
	wantTargets(t, w, map[string][]string{ownFile: {"10.0.0.1:8080 one"}})
	w.inventory.Run("web", "api")
	both := map[string][]string{classFile: {"10.0.0.2:8080 one"}, ownFile: {"10.0.0.2:8080 one"}}
	w.stay(before, false)
	wantTargets(t, w, both)
	w.swap(before)
	w.stay(before, false)
	wantTargets(t, w, both)
	w.stay(before, true)
	wantTargets(t, w, both)
}

// TestGoingBackToCredentials: a class with credentials that comes back takes the
// objects that it had scraped, and by the same scheme alone.
func TestGoingBackToCredentials(t *testing.T) {
	t.Parallel()
	const silver = "  scrapeClasses: [{name: silver, scrapeConfig: {basic_auth: {username: u, password_file: /p}}}]\n"
	const open = "  scrapeClasses: [{name: silver}]\n"
	in := func(name, service, scheme string) string {
		return "apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: " + name + "}\nspec:\n  selector: {services: [" + service +
			"]}\n  jobName: " + service + "\n  endpoints: [{port: 8080" + scheme + "}]\n  scrapeClass: silver\n"
	}
	for name, c := range map[string]struct {
		api, web string // in the class without credentials
		unknown  bool   // nobody noted what was scraped
		want     []string
	}{
		"known":          {api: in("api", "api", ""), want: []string{"10.0.0.1:8080 api"}},
		"another object": {api: in("api", "api", ""), web: in("web", "web", ""), want: []string{"10.0.0.1:8080 api"}},
		"another scheme": {api: in("api", "api", ", scheme: https")},
		"not noted":      {api: in("api", "api", ""), unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{"main.yaml": config("main", silver), "api.yaml": in("api", "api", "")})
			w.pass()
			before := w.output.config
			w.source.Set(map[string]string{"main.yaml": config("main", open), "api.yaml": c.api, "web.yaml": c.web})
			w.pass()
			if c.unknown {
				delete(w.scraped, before.Digest())
			}
			for _, confirmed := range []bool{false, true} {
				w.stay(before, confirmed)
				if got := w.targets()[silverFile]; !slices.Equal(got, c.want) {
					t.Errorf("confirmed %t: %v, want %v", confirmed, got, c.want)
				}
				w.swap(before)
			}
		})
	}
}

// TestGoingBackToTheSameCredentials: where a class scrapes as it did, new objects
// join it while another configuration stays.
func TestGoingBackToTheSameCredentials(t *testing.T) {
	t.Parallel()
	const silver = "  scrapeClasses: [{name: silver, scrapeConfig: {basic_auth: {username: u, password_file: /p}}}]\n"
	files := good()
	files["main.yaml"], files["api.yaml"], files["web.yaml"] = config("main", silver), scrape("api", "one", "  scrapeClass: silver\n"), ""
	w := newWorld(t, files)
	w.pass()
	before := w.output.config
	w.source.Set(map[string]string{"web.yaml": scrape("web", "two", "  scrapeClass: silver\n"), "rule.yaml": rule("another", "up")})
	w.stay(before, true)
	wantTargets(t, w, map[string][]string{silverFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
}

// TestGoingBackWithoutAPlan: what is scraped now goes on in the pools of before.
func TestGoingBackWithoutAPlan(t *testing.T) {
	t.Parallel()
	files := good()
	files["web.yaml"] = ""
	w := newWorld(t, files)
	w.pass()
	before := w.output.config
	w.source.Set(map[string]string{"api.yaml": scrape("api", "one", "  scrapeConfig: {sample_limit: 5}\n")})
	w.pass()
	w.collect(ownFile)
	s := reconcile.Staying{Config: before, Scraped: w.scraped[before.Digest()]}
	for range 2 {
		if _, err := reconcile.Stay(w.output, nil, time.Time{}, s); err != nil {
			t.Fatal(err)
		}
		wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one"}, ownFile: {"10.0.0.1:8080 one"}})
	}
}
