package reconcile_test

import (
	"testing"

	"ecs-scrape/reconcile"
)

const silverFile = "targets/class/silver/targets.json"

// TestConfigurationWaitsForTargets: what takes a pool away waits until its targets
// are in the file of the pool that they move to.
func TestConfigurationWaitsForTargets(t *testing.T) {
	t.Parallel()
	files := good()
	files["api.yaml"] = scrape("api", "one", "  scrapeConfig: {sample_limit: 5}\n")
	w := newWorld(t, files)
	w.pass()
	before := w.output.config.Digest()
	w.output.Pace(classFile)
	w.source.Set(map[string]string{"api.yaml": scrape("api", "one", "")})
	w.publish(reconcile.Wanted)
	if w.output.config.Digest() != before {
		t.Error("the own pool is gone before its target is in the pool of the class")
	}
	w.output.Pace()
	w.publish(reconcile.Wanted)
	if w.output.config.Digest() == before {
		t.Error("the configuration still waits")
	}
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}, ownFile: {"10.0.0.1:8080 one"}})
}

// TestConfigurationWaitsForNothingElse: a file that waits for its turn, though
// nothing moves, holds nothing up.
func TestConfigurationWaitsForNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, good())
	w.pass()
	before := w.output.config.Digest()
	w.output.Pace(classFile)
	w.inventory.Run("web")
	w.source.Set(map[string]string{"rule.yaml": rule("another", "up")})
	w.publish(reconcile.Wanted)
	if w.output.config.Digest() == before {
		t.Error("the configuration waits for a file that nothing moves to")
	}
}

// TestPoolReturns: a pool whose file was not cleared away comes back with what is
// in it now, not with what was there when it went.
func TestPoolReturns(t *testing.T) {
	t.Parallel()
	own := scrape("api", "one", "  scrapeConfig: {sample_limit: 5}\n")
	files := good()
	files["api.yaml"] = own
	w := newWorld(t, files)
	w.pass()
	w.source.Set(map[string]string{"api.yaml": scrape("api", "one", "")})
	w.publish(reconcile.Wanted)
	without := w.output.config.Digest()
	w.output.Pace(ownFile)
	w.source.Set(map[string]string{"api.yaml": own})
	w.inventory.Run("other", "api") // whose address is another now
	w.publish(reconcile.Wanted)
	if w.output.config.Digest() != without {
		t.Error("the pool is back with the target that it had when it went")
	}
	w.output.Pace()
	w.publish(reconcile.Wanted)
	if w.output.config.Digest() == without {
		t.Error("the configuration still waits")
	}
}

// TestMovingBetweenLoadedPools: where Prometheus has both pools, a target leaves
// one when the file of the other has it.
func TestMovingBetweenLoadedPools(t *testing.T) {
	t.Parallel()
	files := good()
	files["main.yaml"] = config("main", "  scrapeClasses: [{name: silver}]\n")
	files["web.yaml"] = scrape("web", "two", "  scrapeClass: silver\n")
	w := newWorld(t, files)
	w.pass()
	w.output.Pace(silverFile)
	w.source.Set(map[string]string{"api.yaml": scrape("api", "one", "  scrapeClass: silver\n")})
	w.publish(reconcile.Confirmed)
	wantTargets(t, w, map[string][]string{classFile: {"10.0.0.1:8080 one"}, silverFile: {"10.0.0.2:8080 two"}})
	w.output.Pace()
	w.publish(reconcile.Confirmed)
	wantTargets(t, w, map[string][]string{silverFile: {"10.0.0.1:8080 one", "10.0.0.2:8080 two"}})
}
