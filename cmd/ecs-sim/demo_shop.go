package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ecs-scrape/controller/awssim"
)

// demoMostTasks is the most that a service may be scaled to by hand.
const demoMostTasks = 50

// demoLiveAfter is when the shop begins to change at the latest. With the
// example specs everything is up after some ten seconds.
const demoLiveAfter = 25 * time.Second

// demoShop changes the shop by itself and by hand.
type demoShop struct {
	sim     *awssim.Sim
	shop    *awssim.ShopState
	journal *demoJournal

	mu      sync.Mutex
	paused  bool
	stopped map[string]int // by cluster/name: how many ran
}

func newDemoShop(sim *awssim.Sim, shop *awssim.ShopState, journal *demoJournal) *demoShop {
	return &demoShop{sim: sim, shop: shop, journal: journal, stopped: map[string]int{}}
}

// live changes the shop on average once every so long, until ctx ends. It
// begins when all of the shop has been seen up, or when that takes too long
// because the specs leave something out.
func (s *demoShop) live(ctx context.Context, every time.Duration, begin <-chan struct{}) error {
	if every <= 0 {
		<-ctx.Done()
		return nil
	}
	late := time.NewTimer(demoLiveAfter)
	defer late.Stop()
	select {
	case <-ctx.Done():
		return nil
	case <-begin:
	case <-late.C:
	}
	for {
		timer := time.NewTimer(every/2 + rand.N(every))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if err := s.step(); err != nil {
			return fmt.Errorf("change the shop: %w", err)
		}
	}
}

func (s *demoShop) step() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused {
		return nil
	}
	change, err := s.shop.Step()
	if err != nil {
		return err
	}
	for key := range s.stopped {
		// What was stopped by hand stays stopped, whatever the shop wants.
		cluster, name, _ := strings.Cut(key, "/")
		if err := s.sim.Scale(cluster, name, 0); err != nil {
			return err
		}
		if strings.Contains(change, key) {
			return nil
		}
	}
	s.journal.add(kindShop, change)
	return nil
}

// do obeys a command and says what it did.
func (s *demoShop) do(line string) (answer string, err error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return "", nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch words[0] {
	case "pause":
		s.paused = true
		return "the shop changes only when told; `resume` lets it go on", nil
	case "resume":
		s.paused = false
		return "the shop changes by itself again", nil
	}
	verb, ok := map[string]func(cluster, name string, more []string) (string, error){
		"stop": s.stop, "start": s.start, "scale": s.scale, "crash": s.crash,
	}[words[0]]
	switch {
	case !ok:
		return "", fmt.Errorf("%q is no command; `help` lists them", words[0])
	case len(words) < 2:
		return "", fmt.Errorf("`%s` needs the name of a service, such as checkout", words[0])
	}
	cluster, name, err := s.find(words[1])
	if err != nil {
		return "", err
	}
	return verb(cluster, name, words[2:])
}

// find looks a service up by name, in production first, or by cluster/name.
func (s *demoShop) find(name string) (cluster, service string, err error) {
	services := s.shop.Services()
	for _, key := range []string{name, awssim.ShopProduction + "/" + name, awssim.ShopStaging + "/" + name} {
		if slices.Contains(services, key) {
			cluster, service, _ = strings.Cut(key, "/")
			return cluster, service, nil
		}
	}
	var names []string
	for _, key := range services {
		_, short, _ := strings.Cut(key, "/")
		if !slices.Contains(names, short) {
			names = append(names, short)
		}
	}
	return "", "", fmt.Errorf("there is no service %s, but %s", name, strings.Join(names, ", "))
}

// errDaemon tells why daemons are not scaled.
var errDaemon = errors.New("runs on every machine, so its number is theirs; try a service such as checkout")

func (s *demoShop) resize(cluster, name string, to int) error {
	if name == "node-exporter" || name == "cadvisor" {
		return fmt.Errorf("%s %w", name, errDaemon)
	}
	return s.sim.Scale(cluster, name, to)
}

func (s *demoShop) stop(cluster, name string, _ []string) (string, error) {
	running, err := s.sim.RunningTasks(cluster, name)
	if err != nil {
		return "", err
	}
	if err := s.resize(cluster, name, 0); err != nil {
		return "", err
	}
	key := cluster + "/" + name
	if _, again := s.stopped[key]; !again {
		s.stopped[key] = max(1, len(running))
	}
	return fmt.Sprintf("stop %s, %d tasks; `start %s` brings it back", key, len(running), name), nil
}

func (s *demoShop) start(cluster, name string, _ []string) (string, error) {
	key := cluster + "/" + name
	before, ok := s.stopped[key]
	if !ok {
		return "", fmt.Errorf("%s was not stopped by you", key)
	}
	delete(s.stopped, key)
	return fmt.Sprintf("start %s, %d tasks", key, before), s.resize(cluster, name, before)
}

func (s *demoShop) scale(cluster, name string, more []string) (string, error) {
	to := -1
	if len(more) > 0 {
		if n, err := strconv.Atoi(more[0]); err == nil {
			to = n
		}
	}
	if to < 0 || to > demoMostTasks {
		return "", fmt.Errorf("give a number of tasks from 0 to %d, as in `scale %s 6`", demoMostTasks, name)
	}
	delete(s.stopped, cluster+"/"+name)
	return fmt.Sprintf("scale %s/%s to %d", cluster, name, to), s.resize(cluster, name, to)
}

func (s *demoShop) crash(cluster, name string, _ []string) (string, error) {
	running, err := s.sim.RunningTasks(cluster, name)
	if err != nil {
		return "", err
	}
	if len(running) == 0 {
		return "", fmt.Errorf("no task of %s/%s runs", cluster, name)
	}
	return fmt.Sprintf("crash a task of %s/%s; ECS starts another", cluster, name),
		s.sim.StopTask(running[0], "Essential container in task exited")
}
