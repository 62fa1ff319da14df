package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"ecs-scrape/controller/awssim"
)

// demoStanding is how everything stands at one look.
type demoStanding struct {
	now time.Time

	// endpoints are those that containers of the shop listen on now, by the
	// simulator's own account; covered are those of them that Prometheus
	// scrapes with success.
	endpoints, covered int

	answers            bool // Prometheus does
	up, starting, down int  // targets that ecs-scrape gave it
	loaded             time.Time
	reloads            int // since the start
	changes            int // of targets, that needed no reload

	calls demoCalls

	state   string // of the controller; "" if it does not answer
	objects int
	refused int // objects whose newest version is not valid
	kept    int // of those, how many serve their last valid version
	problem string
}

// activeTarget is a target of /api/v1/targets.
type activeTarget struct {
	Labels     map[string]string `json:"labels"`
	ScrapePool string            `json:"scrapePool"`
	ScrapeURL  string            `json:"scrapeUrl"`
	Health     string            `json:"health"` // up, down or unknown
}

// controllerStatus is what the demo shows of the controller's status.
type controllerStatus struct {
	State    string `json:"state"`
	Message  string `json:"message"`
	Problems []struct {
		Severity string `json:"severity"`
	} `json:"problems"`
	Objects []struct {
		Accepted bool   `json:"accepted"`
		Served   string `json:"served"`
	} `json:"objects"`
}

// refuses says that some document is not served as it stands.
func (s *controllerStatus) refuses() bool {
	for _, p := range s.Problems {
		if p.Severity != "warning" {
			return true
		}
	}
	return false
}

// demoWatch asks Prometheus, the controller and the simulator, and writes into
// the journal what changed since it last did.
type demoWatch struct {
	sim     *awssim.Sim
	ports   demoPorts
	journal *demoJournal
	client  *http.Client
	meter   demoMeter
	began   time.Time

	last    demoStanding
	targets map[string]activeTarget // by pool and URL
	allUp   chan struct{}           // closed when all endpoints are, for the first time
}

func newDemoWatch(d *demo) *demoWatch {
	return &demoWatch{
		sim: d.sim, ports: d.ports, journal: d.journal, meter: newDemoMeter(d.began), began: d.began, allUp: d.allUp,
		client: &http.Client{Timeout: demoRefresh, Transport: &http.Transport{Proxy: nil}},
	}
}

func (w *demoWatch) close() { w.client.CloseIdleConnections() }

// look takes stock. Who does not answer keeps what it said last, except that
// it does not answer.
func (w *demoWatch) look(ctx context.Context) *demoStanding {
	s := w.last
	s.now = time.Now()
	s.calls = w.meter.measure(s.now, w.sim.Calls())
	s.answers = w.lookAtReloads(ctx, &s) == nil && w.lookAtTargets(ctx, &s) == nil
	if w.lookAtController(ctx, &s) != nil {
		s.state = ""
	}
	w.last = s
	return &s
}

// ofShop says that a scrape pool is of what was found on ECS: neither a job of
// the user's own, nor Prometheus or ecs-scrape itself.
func ofShop(pool string) bool {
	return strings.HasPrefix(pool, "ecs-scrape/") && !strings.HasPrefix(pool, "ecs-scrape/self/")
}

func (w *demoWatch) lookAtTargets(ctx context.Context, s *demoStanding) error {
	var answer struct {
		Data struct {
			ActiveTargets []activeTarget `json:"activeTargets"`
		} `json:"data"`
	}
	if err := w.get(ctx, base(w.ports.prometheus)+"/api/v1/targets?state=active", &answer); err != nil {
		return err
	}
	targets, up := map[string]activeTarget{}, map[string]bool{}
	s.up, s.starting, s.down = 0, 0, 0
	for _, t := range answer.Data.ActiveTargets {
		if !ofShop(t.ScrapePool) {
			continue
		}
		targets[t.ScrapePool+" "+t.ScrapeURL] = t
		switch t.Health {
		case "up":
			s.up++
			up[t.ScrapeURL] = true
		case "down":
			s.down++
		default:
			s.starting++
		}
	}
	w.cover(s, up)
	if text := changed(w.targets, targets); text != "" {
		w.journal.add(kindTargets, text)
		if len(w.targets) > 0 && s.reloads == w.last.reloads {
			s.changes++ // one at the same look as a reload may be its doing
		}
	}
	w.targets = targets
	return nil
}

// cover compares what is up with what the simulator says is there.
func (w *demoWatch) cover(s *demoStanding, up map[string]bool) {
	s.endpoints, s.covered = 0, 0
	for _, l := range w.sim.Listeners() {
		s.endpoints++
		if up[l.URL()] {
			s.covered++
		}
	}
	if s.covered == 0 || s.covered < s.endpoints {
		return
	}
	select {
	case <-w.allUp:
	default:
		close(w.allUp)
		w.journal.add(kindTargets, fmt.Sprintf("all %d endpoints of the shop are up, %.0f s after the start",
			s.endpoints, time.Since(w.began).Seconds()))
	}
}

// changed tells, by job, how targets differ from those before.
func changed(before, after map[string]activeTarget) string {
	type counts struct{ added, removed, relabelled int }
	jobs := map[string]*counts{}
	at := func(t activeTarget) *counts {
		job := t.Labels["job"]
		if jobs[job] == nil {
			jobs[job] = &counts{}
		}
		return jobs[job]
	}
	for key, t := range after {
		old, ok := before[key]
		switch {
		case !ok:
			at(t).added++
		case !maps.Equal(old.Labels, t.Labels):
			at(t).relabelled++
		}
	}
	for key, t := range before {
		if _, ok := after[key]; !ok {
			at(t).removed++
		}
	}
	var parts []string
	for _, job := range slices.Sorted(maps.Keys(jobs)) {
		c := jobs[job]
		part := job
		for _, n := range []struct {
			count  int
			format string
		}{{c.added, " +%d"}, {c.removed, " -%d"}, {c.relabelled, " %d relabelled"}} {
			if n.count > 0 {
				part += fmt.Sprintf(n.format, n.count)
			}
		}
		parts = append(parts, part)
	}
	const most = 4
	if len(parts) > most {
		parts = append(parts[:most], fmt.Sprintf("and %d jobs more", len(parts)-most))
	}
	return strings.Join(parts, ", ")
}

func (w *demoWatch) lookAtReloads(ctx context.Context, s *demoStanding) error {
	var answer struct {
		Data struct {
			LastConfigTime time.Time `json:"lastConfigTime"`
		} `json:"data"`
	}
	if err := w.get(ctx, base(w.ports.prometheus)+"/api/v1/status/runtimeinfo", &answer); err != nil {
		return err
	}
	loaded := answer.Data.LastConfigTime.Local()
	if !s.loaded.IsZero() && !loaded.Equal(s.loaded) {
		s.reloads++
		w.journal.add(kindReload, "Prometheus has loaded a new configuration")
	}
	s.loaded = loaded
	return nil
}

func (w *demoWatch) lookAtController(ctx context.Context, s *demoStanding) error {
	var st controllerStatus
	if err := w.get(ctx, base(w.ports.controller)+"/api/v1/status", &st); err != nil {
		return err
	}
	s.state, s.objects, s.refused, s.kept, s.problem = st.State, len(st.Objects), 0, 0, ""
	for _, o := range st.Objects {
		if !o.Accepted {
			s.refused++
			if o.Served != "" {
				s.kept++
			}
		}
	}
	if st.State == "degraded" && !s.loaded.IsZero() { // before, Prometheus was not there to answer
		s.problem = strings.Join(strings.Fields(st.Message), " ")
	}
	switch {
	case s.problem == w.last.problem:
	case s.problem == "":
		w.journal.add(kindSpecs, "all is well again")
	case st.refuses():
		w.journal.add(kindSpecs, "refused: "+s.problem)
	default:
		w.journal.add(kindSpecs, "not as asked for: "+s.problem)
	}
	return nil
}

// get decodes an answer in JSON.
func (w *demoWatch) get(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}
