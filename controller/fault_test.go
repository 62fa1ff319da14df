package controller_test

import (
	"errors"
	"fmt"
	"maps"
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
	cases := []faultCase{{name: "an address goes to another cluster", play: (*faultWorld).addressOfAStaleTask}}
	for _, seed := range seeds(t) {
		cases = append(cases, faultCase{name: fmt.Sprintf("mixture=%d", seed), seed: seed, aged: seed%2 == 1, play: (*faultWorld).mixture})
	}
	for i, name := range slices.Sorted(maps.Keys(verbs())) {
		cases = append(cases, faultCase{name: name, seed: uint64(i), aged: name != "MissingOnce", play: func(w *faultWorld) { w.alone(name) }})
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

// watchedOrPolled has each case in two worlds: polled, and watched by events.
func watchedOrPolled(cases []faultCase) []faultCase {
	var out []faultCase
	for _, c := range cases {
		name := c.name
		for _, c.events = range []bool{false, true} {
			c.name = fmt.Sprintf("%s/events=%v", name, c.events)
			out = append(out, c)
		}
	}
	return out
}

func (w *faultWorld) play(name string) {
	w.note("%s", name)
	verbs()[name](w)
}

func (w *faultWorld) alone(name string) {
	for range 2 {
		w.play(name)
		w.play([]string{"Deploy", "Scale", "StopTask"}[w.random.IntN(3)])
		w.progress()
	}
}

func (w *faultWorld) mixture() {
	names := slices.Sorted(maps.Keys(verbs()))
	for range 6 + w.random.IntN(5) {
		w.play(names[w.random.IntN(len(names))])
		switch w.random.IntN(8) {
		case 0:
			w.restart()
		case 1, 2, 3:
			w.progress()
		}
	}
	w.progress()
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
}

// looks are methods of the simulator that change nothing, and those that other
// tests are about: specs in S3, roles, scrapes, and the end of faults.
var looks = []string{
	"AWSConfig", "AWSConfigAs", "AllowRole", "BadGateways", "Calls", "CallsTo", "ClearFaults", "Close", "CreateBucket",
	"CreateCluster", "CreateQueue", "CreateService", "DeleteObject", "Env", "ForwardEvents", "Heal", "Instances", "Listeners", "ProxyURL",
	"PutObject", "QueueLength", "Region", "RegisterTaskDefinition", "ResetCalls", "ResetScrapes", "RunningTasks", "Scope",
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
