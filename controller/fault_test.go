package controller_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// These tests run whole controllers on simulated accounts in which things go
// wrong, and hold every published state against what really runs: no target of a
// running task is lost, none that was taken back returns, every state reads back
// whole, and when the faults end what is published is the truth.

// mixtures is how many random mixtures of faults are played.
const mixtures = 20

// faultSeed, an environment variable, plays the mixture of that seed alone.
const faultSeed = "ECS_SCRAPE_FAULT_SEED"

// TestFaults plays every verb alone, twice, with changes between; random mixtures
// of them, the controller's own restart among them; and what is worth a script of
// its own. Each is played twice: polled, and watched by events.
func TestFaults(t *testing.T) {
	cases := []faultCase{
		{name: "an address goes to another cluster", play: (*faultWorld).addressOfAStaleTask},
		{name: "the second page of a listing fails", play: (*faultWorld).secondPageFails},
	}
	for _, seed := range seeds(t) {
		cases = append(cases, faultCase{name: fmt.Sprintf("mixture=%d", seed), seed: seed, aged: seed%2 == 1, play: (*faultWorld).mixture})
	}
	for i, name := range slices.Sorted(maps.Keys(verbs())) {
		cases = append(cases, faultCase{
			name: name, seed: uint64(i), aged: name != "MissingOnce", watched: faultsOfEvents()[name] != nil,
			play: func(w *faultWorld) { w.alone(name) },
		})
	}
	playAll(t, watchedOrPolled(cases))
}

// seeds are those of the mixtures to play.
func seeds(t *testing.T) []uint64 {
	t.Helper()
	if one := os.Getenv(faultSeed); one != "" {
		seed, err := strconv.ParseUint(one, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", faultSeed, err)
		}
		return []uint64{seed}
	}
	var out []uint64
	for seed := range uint64(mixtures) {
		out = append(out, seed)
	}
	return out
}

// watchedOrPolled has each case in two worlds: polled, and watched by events. A
// fault of events has only the second.
func watchedOrPolled(cases []faultCase) []faultCase {
	var out []faultCase
	for _, c := range cases {
		name := c.name
		for _, c.events = range []bool{false, true} {
			if c.watched && !c.events {
				continue
			}
			c.name = fmt.Sprintf("%s/events=%v", name, c.events)
			out = append(out, c)
		}
	}
	return out
}

func (w *faultWorld) play(verb string, seed uint64) {
	w.note("%s", verb)
	w.draw(seed)
	verbs()[verb](w)
}

// faultStep is one of a mixture's: a fault, a change beside it, and what then
// comes. All of it is drawn before anything is played.
type faultStep struct {
	fault, change string
	seed          uint64
	restart, wait bool
}

func (w *faultWorld) script() []faultStep {
	random := rand.New(rand.NewPCG(w.seed, 3))
	var faults []string
	for name := range verbs() {
		misleads := name == "MissingOnce" && w.aged // said of a task that is not new it would be evidence
		if life()[name] == nil && !misleads && (faultsOfEvents()[name] == nil || w.queue != "") {
			faults = append(faults, name)
		}
	}
	slices.Sort(faults)
	changes := slices.Sorted(maps.Keys(life()))
	steps := make([]faultStep, 3+random.IntN(3))
	for i := range steps {
		then := random.IntN(8)
		steps[i] = faultStep{
			fault: faults[random.IntN(len(faults))], change: changes[random.IntN(len(changes))],
			seed: random.Uint64(), restart: then == 0, wait: then > 3,
		}
	}
	return steps
}

// mixture plays random faults, which last, and changes. Some of the faults may
// have nothing left to meet; playAll wants most of them met.
func (w *faultWorld) mixture() {
	for _, step := range w.script() {
		w.play(step.fault, step.seed)
		w.play(step.change, step.seed+1)
		switch {
		case step.restart:
			w.restart()
		case step.wait:
			w.progress()
		}
	}
	w.replaced()
	w.progress()
}

// verbsMet counts the verbs that have armed a fault, and those of them whose
// faults were met.
func (w *faultWorld) verbsMet() (armed, met int) {
	for _, n := range w.FaultCounts() {
		if n.Armed > 0 {
			armed++
			met += min(1, n.Met)
		}
	}
	return armed, met
}

// addressOfAStaleTask: the cluster of a task cannot be read when the task ends
// and another one, elsewhere, is given its address. The newer one is scraped
// there, once, and the older one does not come back with its cluster.
func (w *faultWorld) addressOfAStaleTask() {
	release := w.Deny(awssim.Match{Cluster: "alpha"})
	w.DropNext(4) // the end of one task and the start of its replacement
	old := w.onFargate()
	w.must(w.StopTask(old.ARN, "unnoticed"))
	w.eventually("the task has stopped", func() error { return w.runs(old.ARN) })
	heir := w.giveAddress(old.Address)
	key := func(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] + " " + old.Address + ":8080" }
	w.eventually("the heir alone has the address", func() error {
		if !w.judge.has(key(heir)) || w.judge.has(key(old.ARN)) {
			return errors.New("it has not")
		}
		return nil
	})
	release()
	if n := w.FaultCounts(); n["Deny"].Met == 0 || w.queue != "" && n["DropNext"].Met == 0 {
		w.t.Errorf("the faults were not met: %v", n)
	}
}

// secondPageFails: what the first page of a listing names is not all there is.
func (w *faultWorld) secondPageFails() {
	w.must(w.Scale("alpha", "api", 110))
	w.settled(servicePlace{cluster: "alpha", name: "api"}, 110)
	w.agree("a cluster of two pages")
	w.meets("FailPage", func() {
		w.FailPage(awssim.Match{Operation: "ListTasks", Cluster: "alpha"}, 2)
		w.replaced()
	})
	w.progress()
}

// looks are methods of the simulator that change nothing, and those that other
// tests are about: specs in S3, roles, scrapes, and the end of faults.
var looks = []string{
	"AWSConfig", "AWSConfigAs", "AllowRole", "BadGateways", "Calls", "CallsTo", "ClearFaults", "Close", "CreateBucket",
	"CreateCluster", "CreateQueue", "CreateService", "DeleteBucket", "DeleteObject", "Env", "FaultCounts", "ForwardEvents", "Heal", "Instances", "Listeners",
	"MoveBucket", "NotifyObjects", "ProxyURL", "PutObject", "QueueLength", "Region", "RegisterTaskDefinition", "ResetCalls", "ResetScrapes", "RunningTasks", "Scope",
	"Scrapes", "Task", "URL", "VPC", "WrongPaths",
}

// TestEveryVerbIsPlayed: a verb that the simulator gets is played here, or is
// said to change nothing.
func TestEveryVerbIsPlayed(t *testing.T) {
	played := verbs()
	for method := range reflect.TypeFor[*awssim.Sim]().Methods() {
		if _, ok := played[method.Name]; !ok && !slices.Contains(looks, method.Name) {
			t.Errorf("%s is neither played nor one of those that change nothing", method.Name)
		}
	}
	for name := range played {
		verb, _, _ := strings.Cut(name, ",")
		if _, ok := reflect.TypeFor[*awssim.Sim]().MethodByName(verb); !ok {
			t.Errorf("%s is no verb of the simulator", name)
		}
	}
}
