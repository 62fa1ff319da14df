package web

import (
	"cmp"
	"slices"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile"
)

// Classes of objects, worst first; each is a choice of the overview.
const (
	classBroken    = "broken"    // what is served is not what the object asks for
	classAttention = "attention" // it is served, and somebody should look at it
	classWaiting   = "waiting"   // for ECS or for Prometheus
	classOK        = "ok"
	classOff       = "off" // another Prometheus's
)

// classWords name the classes, in order.
var classWords = []choice{
	{Class: classBroken, Word: "Broken"},
	{Class: classAttention, Word: "Needs a look"},
	{Class: classWaiting, Word: "Waiting"},
	{Class: classOK, Word: "In order"},
	{Class: classOff, Word: "Not selected"},
}

// wordStale is of what is served and may lack something that runs by now.
const wordStale = "stale"

// choice is a class that the objects may be filtered by.
type choice struct {
	Class, Word, Address string
	Count                int
	Chosen               bool
}

// standing is how an object stands, in two words, and why.
type standing struct{ Class, Word, Why string }

// standingOf judges an object by its conditions.
func standingOf(o *controller.ObjectStatus) standing {
	accepted, ready, stale := o.Condition(reconcile.AcceptedType), o.Condition(reconcile.ReadyType), o.Condition(reconcile.StaleType)
	switch {
	case accepted.Status == reconcile.False, accepted.Status == "" && !o.Accepted && o.Message != "":
		return standing{classBroken, acceptedWord(accepted, o.Served), cmp.Or(o.Message, accepted.Message)}
	case o.Other || ready.Reason == reconcile.ReasonNotSelected:
		return standing{classOff, "not selected", cmp.Or(ready.Message, reconcile.NotSelected)}
	case ready.Status == reconcile.False:
		return unready(ready)
	case ready.Status == reconcile.Unknown || accepted.Status == reconcile.Unknown:
		return standing{classWaiting, "waiting", cmp.Or(ready.Message, accepted.Message)}
	case stale.Status == reconcile.True:
		return standing{classAttention, wordStale, stale.Message}
	}
	return noticed(o)
}

func acceptedWord(c reconcile.Condition, served string) string {
	switch {
	case served != "":
		return "old version"
	case c.Reason == reconcile.ReasonForbidden:
		return "forbidden"
	}
	return "left out"
}

func unready(c reconcile.Condition) standing {
	switch c.Reason {
	case reconcile.ReasonNoTargets:
		return standing{classAttention, "no targets", c.Message}
	case reconcile.ReasonRefused:
		return standing{classBroken, "refused", c.Message}
	case reconcile.ReasonPoolMissing:
		return standing{classBroken, "pool missing", c.Message}
	}
	return standing{classBroken, "not served", c.Message}
}

// noticed is an object that is served, with what was said of it all the same.
func noticed(o *controller.ObjectStatus) standing {
	switch {
	case o.Withheld > 0:
		return standing{classAttention, "withheld", counted(o.Withheld, "target") + " not published: see the findings"}
	case len(o.Warnings) > 0:
		return standing{classAttention, "warning", o.Warnings[0]}
	case o.Findings > 0:
		return standing{classAttention, "findings", counted(o.Findings, "finding") + ": something that it asks for is not there"}
	}
	return standing{Class: classOK, Word: "in order"}
}

// objectRow is an object's line of the overview.
type objectRow struct {
	*controller.ObjectStatus
	standing
}

// OfClusters says that the reason names clusters, whose page says more.
func (o objectRow) OfClusters() bool {
	return o.Word == wordStale && o.Condition(reconcile.StaleType).Reason == reconcile.ReasonStaleScopes
}

// rows are all objects, the worst first, and otherwise in the status's order.
func rows(objects []controller.ObjectStatus) []objectRow {
	out := make([]objectRow, 0, len(objects))
	for i := range objects {
		out = append(out, objectRow{&objects[i], standingOf(&objects[i])})
	}
	slices.SortStableFunc(out, func(a, b objectRow) int { return cmp.Compare(rank(a.Class), rank(b.Class)) })
	return out
}

func rank(class string) int {
	return slices.IndexFunc(classWords, func(c choice) bool { return c.Class == class })
}

// choices count the rows of each class; classes without any are left out, but
// for the chosen one.
func choices(all []objectRow, chosen string) []choice {
	out := []choice{{Word: "All", Address: "./#objects", Count: len(all), Chosen: chosen == ""}}
	for _, c := range classWords {
		for i := range all {
			if all[i].Class == c.Class {
				c.Count++
			}
		}
		c.Address, c.Chosen = "./?state="+c.Class+"#objects", chosen == c.Class
		if c.Count > 0 || c.Chosen {
			out = append(out, c)
		}
	}
	return out
}

// ofClass are the rows of a class; all where it is "".
func ofClass(all []objectRow, class string) []objectRow {
	if class == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(o objectRow) bool { return o.Class != class })
}
