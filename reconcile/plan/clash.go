package plan

import (
	"fmt"
	"slices"

	"ecs-scrape/spec"
)

// clash is what targets of one object have in common with those of another, or
// with something else that has targets.
type clash struct {
	kind   clashKind
	object string
	other  string // in words
}

type clashKind uint8

const (
	clashDuplicate  clashKind = iota // the very same target in the same pool; the other as a name
	clashOutside                     // the labels of a target that no ScrapeTarget asks for
	clashSameLabels                  // the labels of a target of a ScrapeTarget
	clashOverlap                     // the endpoint
)

// withholds says that such targets count as withheld.
func (k clashKind) withholds() bool { return k == clashOutside || k == clashSameLabels }

// tally counts the targets of a clash.
type tally struct {
	clash
	count int
	// firsts are the first of their URLs, in order: all up to the last of these.
	// There are none for duplicates, whose URLs nobody is told.
	firsts []string
}

// mostFirsts is how often the first URL of a clash may go before all are looked
// at again: at 50,000 that takes some tens of milliseconds.
const mostFirsts = 32

// add counts a target.
func (t *tally) add(m *member) {
	if t.kind != clashDuplicate {
		u := urlOf(m.Labels)
		at, _ := slices.BinarySearch(t.firsts, u)
		if at < len(t.firsts) || len(t.firsts) == t.count {
			t.firsts = slices.Insert(t.firsts, at, u)
			t.firsts = t.firsts[:min(len(t.firsts), mostFirsts)]
		}
	}
	t.count++
}

// remove undoes add.
func (t *tally) remove(m *member) {
	if t.kind != clashDuplicate {
		if at, found := slices.BinarySearch(t.firsts, urlOf(m.Labels)); found {
			t.firsts = slices.Delete(t.firsts, at, at+1)
		}
	}
	t.count--
}

// lost says that it is not known which URL is the first.
func (t *tally) lost() bool { return t.kind != clashDuplicate && len(t.firsts) == 0 }

// example is the first of all URLs, "" of duplicates.
func (t *tally) example() string {
	if len(t.firsts) == 0 {
		return ""
	}
	return t.firsts[0]
}

// telling is that a target is in a clash.
type telling struct {
	*tally
	member *member
}

// clashes are all that there are now, and how many targets of each object are
// withheld for them.
type clashes struct {
	tallies  map[clash]*tally
	withheld map[string]int
}

// tell adds a clash of a target of the group. A target whose record was lost is
// nobody's to be told of.
func (c *clashes) tell(g *throng, m *member, kind clashKind, other string) {
	k := clash{kind, m.Origin.Object, other}
	if k.object == "" {
		return
	}
	t := c.tallies[k]
	if t == nil {
		t = &tally{clash: k}
		c.tallies[k] = t
	}
	t.add(m)
	if kind.withholds() {
		c.withheld[k.object]++
	}
	g.told = append(g.told, telling{t, m})
}

// retract takes back all that was told of a group.
func (c *clashes) retract(g *throng) {
	for _, t := range g.told {
		if t.kind.withholds() {
			c.withheld[t.object]--
		}
		if t.remove(t.member); t.count == 0 {
			delete(c.tallies, t.clash)
		}
	}
	g.told = nil
}

// findFirsts finds the first URLs of those clashes that have lost theirs.
func (c *clashes) findFirsts(all ...map[uint64]*throng) {
	lost := map[*tally]*tally{}
	for _, t := range c.tallies {
		if t.lost() {
			lost[t] = &tally{clash: t.clash}
		}
	}
	if len(lost) == 0 {
		return
	}
	for _, throngs := range all {
		for _, g := range throngs {
			for _, t := range g.told {
				if again := lost[t.tally]; again != nil {
					again.add(t.member)
				}
			}
		}
	}
	for t, again := range lost {
		t.firsts = again.firsts
	}
}

const sameLabelsWords = "%s withheld: all labels are those of a target of %s, and both would write into the same series: give one of them a label that tells them apart, or narrow a selector (such as %s)"

// report makes a finding of each clash.
func (c *clashes) report(r *run) {
	for k, t := range c.tallies {
		f := fault{code: CodeSameLabels}
		switch k.kind {
		case clashDuplicate:
			f = fault{code: CodeDuplicate, message: fmt.Sprintf(
				"%s/%s asks for the same targets with the same labels: narrow one of the selectors, or remove one object", spec.KindScrapeTarget, k.other)}
		case clashOverlap:
			f = fault{code: CodeOverlap, message: fmt.Sprintf(
				"%s scraped twice, with other labels for %s: narrow one of the selectors (such as %s)", counted(t.count, "target"), k.other, t.example())}
		case clashOutside, clashSameLabels:
			f.message = fmt.Sprintf(sameLabelsWords, counted(t.count, "target"), k.other, t.example())
		}
		r.findings.add(spec.ID{Kind: spec.KindScrapeTarget, Name: k.object}, nil, f)
	}
	for object, n := range c.withheld {
		if n > 0 {
			r.plan.Withheld[object] += n
		}
	}
}

// ownerOf names the object of a target, as far as it was recorded.
func ownerOf(object string) string {
	if object == "" {
		return "a target that was published before"
	}
	return spec.ID{Kind: spec.KindScrapeTarget, Name: object}.String()
}
