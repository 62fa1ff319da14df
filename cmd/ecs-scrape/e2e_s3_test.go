package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"ecs-scrape/controller/awssim"
)

// TestSpecsByEvents: specs in S3 are looked at once an hour, and all the same a
// change is taken when S3 tells of it, of loose objects and of a published
// revision, in either form.
func TestSpecsByEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	must(t, w.sim.CreateBucket("specs"))
	put := func(key, text string) { must(t, w.sim.PutObject("specs", key, []byte(text))) }
	w.specs, w.interval = "s3://specs/the team", "1h"
	w.env = []string{"ECS_SCRAPE_ECS_EVENTS_QUEUE=" + w.sim.SubscribeQueue("events")}
	w.sim.NotifyObjects("specs", "", "events", awssim.ObjectsDirect)
	put("the team/main.yaml", w.prometheusConfig(""))
	put("the team/named.yaml", scrapeNamed)
	w.startAll(current(t))
	w.scraped(isNamed)
	w.eventually("events arrive", w.eventsWork)
	put("the team/bridge.yaml", scrapeBridge)
	w.scraped(func(l awssim.Listener) bool { return isNamed(l) || isBridge(l) })
	must(t, w.sim.DeleteObject("specs", "the team/named.yaml"))
	w.scraped(isBridge)

	w.sim.NotifyObjects("specs", "the team/.ecs-scrape/current", "events", awssim.ObjectsEventBridge)
	dir := t.TempDir()
	file := func(name, text string) { must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)) }
	file("main.yaml", w.prometheusConfig(""))
	file("named.yaml", scrapeNamed)
	w.press(dir)
	w.scraped(isNamed)
	file("daemon.yaml", scrapeDaemon)
	w.press(dir)
	w.scraped(func(l awssim.Listener) bool { return isNamed(l) || isDaemon(l) })
	w.eventually("the status names the revision", func() error {
		s, err := w.status()
		if err == nil && (!s.Specs.Published || len(s.Specs.Revision) != 64 || s.Specs.Error != "") {
			err = fmt.Errorf("specs %+v", s.Specs)
		}
		return err
	})
}

// TestPointerGone: without the pointer the published revision stays, also after a
// restart on the same disk, and stale loose objects beside it do not come to count.
func TestPointerGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.populate()
	must(t, w.sim.CreateBucket("specs"))
	w.specs = "s3://specs/team"
	must(t, w.sim.PutObject("specs", "team/loose.yaml", []byte(w.prometheusConfig(""))))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(w.prometheusConfig("")+"---\n"+scrapeNamed), 0o600))
	w.press(dir)
	w.startAll(current(t))
	w.scraped(isNamed)
	must(t, w.sim.DeleteObject("specs", "team/.ecs-scrape/current"))
	told := func() { w.eventually("the loss is told", func() error { return w.says("current is gone") }) }
	told()
	w.controller.stop()
	w.startController()
	told()
	w.scraped(isNamed)
	w.press(dir)
	w.ready()
	w.scraped(isNamed)
}

// press publishes a directory where the controller's specs are.
func (w *world) press(dir string) {
	w.t.Helper()
	if code, out := w.command("publish", dir, w.specs); code != 0 {
		w.t.Fatalf("publish ends with %d: %s", code, out)
	}
}
