package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/artifact"
)

// TestClashExample: whatever comes and goes, the example is the first URL of all,
// also where more have gone than were kept in mind.
func TestClashExample(t *testing.T) {
	const targets = 5 * mostFirsts
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		c := clashes{map[clash]*tally{}, map[string]int{}}
		throngs, there := map[uint64]*throng{}, [targets]bool{}
		// All come; then one comes or goes at a time, and in every other history it is
		// mostly the first that goes.
		for step := range 20 * targets {
			i := r.IntN(targets)
			switch {
			case step < targets:
				i = step
			case seed%2 == 0 && step%3 > 0:
				i = firstTrue(there[:])
			}
			g := throngs[uint64(i)]
			if g == nil {
				g = &throng{}
				throngs[uint64(i)] = g
			}
			if there[i] = !there[i]; there[i] {
				c.tell(g, urlMember(i), clashOverlap, "b")
			} else {
				c.retract(g)
			}
			c.findFirsts(throngs)
			checkExample(t, &c, there[:])
		}
	}
}

func checkExample(t *testing.T, c *clashes, there []bool) {
	t.Helper()
	count := 0
	for _, is := range there {
		if is {
			count++
		}
	}
	k := c.tallies[clash{clashOverlap, "a", "b"}]
	switch {
	case count == 0 && k == nil:
	case k == nil || k.count != count:
		t.Fatalf("%d targets, counted %v", count, k)
	case k.example() != urlOf(urlMember(firstTrue(there)).Labels):
		t.Fatalf("the example is %s, and %d is there", k.example(), firstTrue(there))
	}
}

func firstTrue(list []bool) int {
	for i, is := range list {
		if is {
			return i
		}
	}
	return 0
}

func urlMember(i int) *member {
	l := labels.FromStrings(model.SchemeLabel, "http", model.AddressLabel, fmt.Sprintf("10.0.0.%03d:80", i), model.MetricsPathLabel, "/metrics")
	return &member{Target: artifact.Target{Labels: l, Origin: artifact.Origin{Object: "a"}}}
}
