package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
)

// The environment of TestSoak.
const (
	soakLength = "ECS_SCRAPE_SOAK"        // how long, such as 10m; unset, it is a short one
	soakTasks  = "ECS_SCRAPE_SOAK_TASKS"  // how many
	soakSeed   = "ECS_SCRAPE_SOAK_SEED"   // plays the same draws again
	soakFile   = "ECS_SCRAPE_SOAK_REPORT" // where the report is written besides
)

// soakPlan is the size of a soak. A spell is turmoil, in which each tick may bring
// a change, an edit, a fault, and the end of a process; then everything heals, and
// what is published has to become the truth.
type soakPlan struct {
	length  time.Duration // of all spells; the last one ends after it
	tasks   int
	groups  int // of tasks that an object selects together
	seed    uint64
	tick    time.Duration
	ticks   int           // of a spell
	window  time.Duration // in which growth is measured
	report  string
	relist  bool // a spell ends with what has everything listed anew
	faults  float64
	edits   float64
	timeout time.Duration // of a spell's healing
}

// newSoakPlan is the short one, of fewer tasks because the race detector watches
// both the program and the simulator, and with the same draws each time; or the
// one that the environment asks for.
func newSoakPlan(t *testing.T) soakPlan {
	t.Helper()
	p := soakPlan{
		seed: 1, tasks: 300, groups: 8, tick: 100 * time.Millisecond, ticks: 70, window: 3 * time.Second,
		relist: true, faults: 0.25, edits: 0.2, timeout: 4 * time.Minute, report: os.Getenv(soakFile),
	}
	if text := os.Getenv(soakLength); text != "" {
		length, err := time.ParseDuration(text)
		must(t, err)
		p.length, p.tasks, p.groups, p.relist, p.seed = length, 5000, 16, false, uint64(time.Now().UnixNano())
		p.tick, p.ticks, p.window = 150*time.Millisecond, 200, 20*time.Second
		p.faults, p.edits = 0.12, 0.1
	}
	for name, set := range map[string]func(uint64){
		soakTasks: func(n uint64) { p.tasks = int(n) },
		soakSeed:  func(n uint64) { p.seed = n },
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(n)
		}
	}
	return p
}

// TestSoak runs the program as a process, with a real Prometheus beside it, on a
// simulated account in which everything changes and everything goes wrong at
// once, while both are killed and restarted and the specs are edited. All the
// while a judge reads what is published as Prometheus would: no target of a task
// that runs is lost, none that was taken back returns, nothing is invalid. After
// each spell what is published becomes the truth, and at the end the controller
// has not grown.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := newSoak(t, newSoakPlan(t))
	s.populate()
	s.writeAll()
	s.startSoaked()
	s.healthy()
	s.startScraper()
	s.judge.start()
	s.agree("the first set")
	for s.spells == 0 || s.elapsed() < s.plan.length*2/5 { // with kills
		s.spell(true)
	}
	s.spell(false)
	s.early = s.sample()
	for once := true; once || s.elapsed() < s.plan.length; once = false {
		s.spell(false)
	}
	s.mendAll()
	s.agree("the truth")
	s.late = s.sample()
	s.end()
}

// soak is a world that does not rest.
type soak struct {
	*world
	plan    soakPlan
	judge   *soakJudge
	journal soakJournal
	random  *rand.Rand // of the action at hand
	drawn   uint64     // how many actions were drawn

	groups  []*soakGroup
	places  []*awssim.Place
	objects *soakObjects
	rules   soakDocument
	config  soakDocument
	queue   string // its URL
	data    string // of Prometheus
	binary  prometheusBinary

	lives, verbs, edits deck
	armed               []armedFault
	pending             []func() bool
	alone               map[*awssim.Place][]standaloneTask

	began, phase time.Time
	spells, tock int // spells so far, and ticks
	early, late  soakSample
	counts       soakCounts
	seen         soakLogs
}

func newSoak(t *testing.T, plan soakPlan) *soak {
	t.Helper()
	t.Logf("%s=%d", soakSeed, plan.seed)
	w := newWorld(t, awssim.Options{
		Quotas: awssim.NoQuotas(), Seed: plan.seed, EventDelay: soakEventDelay,
		StartDelay: 300 * time.Millisecond, StopDelay: 300 * time.Millisecond,
	})
	s := &soak{
		world: w, plan: plan, data: filepath.Join(t.TempDir(), "data"), binary: current(t),
		places: []*awssim.Place{w.sim.Place, w.sim.Region("", soakPolled)},
		alone:  map[*awssim.Place][]standaloneTask{}, began: time.Now(),
	}
	s.groups = soakGroups(plan)
	s.objects = newSoakObjects(s.groups)
	s.lives, s.verbs, s.edits = newDeck(soakLives()), newDeck(soakVerbs()), newDeck(soakEdits())
	s.judge = newSoakJudge(s)
	t.Cleanup(s.judge.stop)
	return s
}

func (s *soak) elapsed() time.Duration { return time.Since(s.phase) }

// draw begins an action: what it leaves to chance depends on the seed and on how
// many came before it, not on how long they took.
func (s *soak) draw() {
	s.drawn++
	s.random = rand.New(rand.NewPCG(s.plan.seed, s.drawn))
}

func (s *soak) chance(p float64) bool {
	s.draw()
	return s.random.Float64() < p
}

// spell is turmoil and its end.
func (s *soak) spell(kills bool) {
	s.t.Helper()
	if s.phase.IsZero() {
		s.phase = time.Now()
	}
	s.spells++
	ends := s.endings(kills)
	tick := time.NewTicker(s.plan.tick)
	defer tick.Stop()
	for i := range s.plan.ticks {
		<-tick.C
		s.tock++
		s.release(false)
		s.draw()
		s.lives.deal(s)
		if s.chance(s.plan.edits) {
			s.edits.deal(s)
		}
		if s.chance(s.plan.faults) {
			s.verbs.deal(s)
		}
		if end := ends[i]; end != nil {
			end()
		}
		s.watchProcesses()
	}
	s.heal()
	s.agree(fmt.Sprintf("the truth after spell %d", s.spells))
}

// endings are the ends of processes in a spell, by tick: of Prometheus always one,
// of the controller several where it may be killed.
func (s *soak) endings(kills bool) map[int]func() {
	s.draw()
	out := map[int]func(){s.random.IntN(s.plan.ticks): s.restartScraper}
	if kills {
		for range 1 + s.plan.ticks/60 {
			out[s.random.IntN(s.plan.ticks)] = s.killController
		}
		at := s.random.IntN(s.plan.ticks - 5) // twice in a row, the second at its start
		out[at], out[at+1+s.random.IntN(4)] = s.killController, s.killController
	}
	return out
}

// heal ends all faults and whatever is unfinished.
func (s *soak) heal() {
	s.release(true)
	s.sim.Heal()
	s.sim.SetQuotas(awssim.NoQuotas())
	s.sim.SetEventDelay(soakEventDelay)
	if s.plan.relist {
		s.sim.DeleteQueue(soakQueue)
		s.eventually("the lost queue is noticed", s.polls)
	}
	s.sim.SubscribeQueue(soakQueue)
	if s.plan.relist && s.spells > 1 {
		s.recreateQuietly()
	}
}
