package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ecs-scrape/controller/awssim"
)

// TestEvents: with a queue what starts, stops and is deployed is scraped, or is
// no longer, while the clusters are not listed for it. The queue goes away and
// comes back under everything, and nothing is lost.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{EventDelay: 100 * time.Millisecond})
	w.populate()
	w.env = []string{"ECS_SCRAPE_ECS_EVENTS_QUEUE=" + w.sim.SubscribeQueue("ecs-events")}
	w.write("config.yaml", w.prometheusConfig(""))
	w.write("named.yaml", scrapeNamed)
	w.write("bridge.yaml", scrapeBridge)
	w.startAll(current(t))
	expected := func(l awssim.Listener) bool { return isNamed(l) || isBridge(l) }
	w.scraped(expected)
	w.eventually("events arrive", w.eventsWork)
	listed, _ := w.sim.CallsTo("ListTasks")

	must(t, w.sim.Scale("prod", "api", 6))
	must(t, w.sim.Scale("prod", "managed", 1))
	w.scraped(expected)
	must(t, w.sim.Deploy("prod", "web", awssim.TaskDefinition{Family: "web-shop", NetworkMode: awssim.ModeBridge, Containers: []awssim.Container{{
		Name: "app", Ports: []awssim.Port{{Container: 8080}}, Metrics: []awssim.Metrics{{Port: 8080, Path: "/internal/metrics"}},
	}}}))
	w.scraped(expected)
	if after, _ := w.sim.CallsTo("ListTasks"); after > listed+3 { // once a minute, just after the start
		t.Errorf("the cluster was listed %d times, polled every second though events arrive", after-listed)
	}

	w.sim.DeleteQueue("ecs-events")
	w.eventually("the loss of the queue is told", func() error {
		if w.eventsWork() == nil {
			return errors.New("it is not")
		}
		return nil
	})
	must(t, w.sim.Scale("prod", "api", 2))
	w.scraped(expected)
	w.sim.SubscribeQueue("ecs-events")
	w.eventually("events arrive again", w.eventsWork)
	must(t, w.sim.Scale("prod", "api", 4))
	w.scraped(expected)
	scrapes := w.sim.Scrapes()
	for _, u := range w.listening(isDaemon) {
		if scrapes[u] > 0 {
			t.Errorf("%s was scraped and nobody asked for it", u)
		}
	}
}

// eventsWork is an error while the events of a source do not arrive.
func (w *world) eventsWork() error {
	s, err := w.status()
	if err != nil {
		return err
	}
	for _, src := range s.Sources {
		if src.Events == nil || !src.Events.Working {
			return fmt.Errorf("source %s: %+v", src.Region, src.Events)
		}
	}
	if len(s.Sources) == 0 {
		return errors.New("no source is known")
	}
	return nil
}
