package web

import (
	"fmt"
	"slices"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// headline is the overall state in plain words.
type headline struct {
	Says   string // what is so
	Advice string // what to do
	Detail string // in the words of whoever found it
	Since  when   // zero where it is not known
	Others []also // what else is so, the worst first
}

// also is another reason than that of the headline.
type also struct {
	Says, Detail string
	Since        when
}

// headlineOf says what is worst, and what else there is, in the order of the
// status's reasons.
func headlineOf(f frame, objects []objectRow) headline {
	s := f.Status
	reasons := s.Reasons
	var h headline
	switch {
	case s.State == controller.StateStarting:
		h = beginning(s)
	case !s.Healthy:
		h = headline{
			Says:   "Nothing is published, so Prometheus has nothing to load.",
			Advice: "Mend what is named below; everything else waits for it.", Detail: s.Message,
		}
		reasons = reasons[min(1, len(reasons)):] // the first has its words in the detail
	case len(reasons) > 0 && reasons[0].Kind != controller.ReasonInterference:
		h = told(s, &reasons[0], objects)
		h.Since, reasons = f.When(reasons[0].Since), reasons[1:]
	case s.State != controller.StateOK:
		h = headline{Says: "Something is not as the specs ask for; what was valid stays in use.", Advice: "The reason is below.", Detail: s.Message}
	default:
		return inOrder(s, objects)
	}
	for i := range reasons {
		other := told(s, &reasons[i], objects)
		h.Others = append(h.Others, also{other.Says, other.Detail, f.When(reasons[i].Since)})
	}
	return h
}

func beginning(s *controller.Status) headline {
	h := headline{Says: "The controller is starting; nothing is published yet.", Advice: "Nothing to do: the first pass takes seconds.", Detail: s.Message}
	if s.Healthy {
		h.Says = "The controller is starting; what was published before stays live."
	}
	return h
}

// told is a reason in plain words, with its own text as the detail.
func told(s *controller.Status, r *controller.Reason, objects []objectRow) headline {
	h, known := plainly[r.Kind]
	switch r.Kind {
	case controller.ReasonOverdue:
		h = ofOverdue(s)
	case controller.ReasonSpecs:
		h.Advice = "See that " + s.Specs.Location + " can be read."
	case controller.ReasonHold:
		h = ofHold(s)
	case controller.ReasonObjects:
		h = ofObjects(s, r, objects)
	case controller.ReasonRegion:
		h = ofRegions(s, r)
	case controller.ReasonCluster:
		h = ofClusters(s, r)
	default:
		if !known {
			h = headline{Says: "Something is not as the specs ask for.", Advice: "The reason is below."}
		}
	}
	if h.Detail == "" {
		h.Detail = r.Message
	}
	return h
}

// plainly are the reasons that need no more of the status.
var plainly = map[string]headline{
	controller.ReasonPass: {
		Says: "The last pass failed; what is published stays.", Advice: "It is tried again by itself; mend the reason below.",
	},
	controller.ReasonRefused: {
		Says: "Prometheus does not run what the specs ask for.", Advice: "Its reason is below; what ran before stays, and targets follow.",
	},
	controller.ReasonPrometheus: {
		Says: "Prometheus does not answer as it should; what is published stays.", Advice: "See that it runs and is reached; the reason is below.",
	},
	controller.ReasonPools: {
		Says: "Prometheus has the configuration, and still something is missing there.", Advice: "See that it runs and can read what the configuration names.",
	},
	controller.ReasonSpecs: {Says: "The specs cannot be loaded; the last good ones stay in use, and targets follow."},
	controller.ReasonWaiting: {
		Says:   "The configuration is published, and Prometheus has not confirmed it yet.",
		Advice: "Nothing to do for some seconds; if it stays, see that Prometheus runs and is reached.",
	},
	controller.ReasonFiles: {
		Says: "Prometheus does not read target files, so it scrapes what was there before.", Advice: "See that it is told of changes in the output directory, and may read it; its log may tell.",
	},
	controller.ReasonFacts: {
		Says: "Facts that the specs need cannot be had of AWS; objects that need them keep their targets.", Advice: "Allow the call that the reason below names.",
	},
	controller.ReasonEvents: {
		Says: "The events of a region do not arrive; its clusters are polled instead.", Advice: "See that the queue is there and may be read; the reason is below.",
	},
	controller.ReasonInterference: {
		Says: "Somebody else has changed what is published; that has been undone.", Advice: "See who it was.",
	},
}

func ofHold(s *controller.Status) headline {
	if s.Hold != nil && s.Hold.Error != "" {
		return headline{Says: "What was gone back to is not held: what the specs ask for is published.", Advice: "See why below, and go back again if that is still meant."}
	}
	return headline{Says: "A configuration that was gone back to is held; targets follow.", Advice: "Mend the specs, then release it."}
}

// ofObjects says that everything else is served only where nothing else is wrong.
func ofObjects(s *controller.Status, r *controller.Reason, objects []objectRow) headline {
	rest := "."
	if !slices.ContainsFunc(s.Reasons, func(r controller.Reason) bool {
		return r.Kind != controller.ReasonObjects && r.Kind != controller.ReasonInterference
	}) {
		rest = "; everything else is served."
	}
	faulty := map[spec.ID]bool{}
	for _, p := range spec.Errors(s.Problems) {
		faulty[p.Object] = true
	}
	broken := slices.DeleteFunc(ofClass(objects, classBroken), func(o objectRow) bool { return !faulty[spec.ID{Kind: o.Kind, Name: o.Name}] })
	switch {
	case len(broken) == 1:
		return headline{Says: broken[0].Kind + " " + broken[0].Name + " is broken" + rest, Advice: "Mend it at " + broken[0].Place + ". " + meanwhile(broken[0].Served), Detail: broken[0].Why}
	case len(broken) > 1:
		return headline{Says: counted(len(broken), "object") + " are broken" + rest, Advice: "Mend them: each says what is wrong and where. The first:", Detail: broken[0].Why}
	case r.Count > 1:
		return headline{Says: counted(r.Count, "document") + " of the specs are refused" + rest, Advice: "Mend them where they say. The first:"}
	}
	return headline{Says: "A document of the specs is refused" + rest, Advice: "Mend it where it says."}
}

func meanwhile(served string) string {
	if served == "" {
		return "Until then it is left out."
	}
	return "Until then its last valid version is served."
}

const reached = "See that AWS is reached and allows it; the reason is below."

func ofClusters(s *controller.Status, r *controller.Reason) headline {
	h := headline{Says: "A cluster cannot be read; its ", Advice: reached}
	if r.Count > 1 {
		h = headline{Says: counted(r.Count, "cluster") + " cannot be read; their ", Advice: "See that AWS is reached and allows it; the first reason is below."}
	}
	if unheard(s) {
		h.Says += "tasks are not known, so there are no targets of them yet."
	} else {
		h.Says += "targets stay as last known."
	}
	return h
}

// unheard says that none of the clusters that cannot be read has ever been, and
// that nothing is published of them.
func unheard(s *controller.Status) bool {
	return s.Targets.Held == 0 && !slices.ContainsFunc(s.Scopes, func(sc inventory.ScopeStatus) bool {
		return sc.State == inventory.Stale || sc.State == inventory.Unsynced && !sc.Restored.IsZero()
	})
}

func ofRegions(s *controller.Status, r *controller.Reason) headline {
	says := "The clusters of a region cannot be listed; "
	if r.Count > 1 {
		says = fmt.Sprintf("The clusters of %s cannot be listed; ", counted(r.Count, "region"))
	}
	return headline{Says: says + lasting(s), Advice: reached}
}

func ofOverdue(s *controller.Status) headline {
	says := "A place on ECS has not been read for too long; "
	if n := len(s.Overdue); n > 1 {
		says = counted(n, "place") + " on ECS have not been read for too long; "
	}
	return headline{Says: says + lasting(s), Advice: reached}
}

// lasting is what becomes of targets while AWS does not answer.
func lasting(s *controller.Status) string {
	if s.Targets.Total == 0 {
		return "there are no targets yet."
	}
	return "targets stay as last known."
}

func inOrder(s *controller.Status, objects []objectRow) headline {
	h := headline{Says: "Everything the specs ask for is published, and Prometheus has loaded it.", Advice: "Nothing to do.", Detail: s.Message}
	asking := slices.DeleteFunc(ofClass(objects, classAttention), func(o objectRow) bool { return o.Word == wordStale })
	switch n := len(asking); {
	case len(s.Interference) > 0:
		h.Advice = "Somebody else has changed what is published. That has been undone; see who it was."
	case n == 1:
		h.Advice = "One object needs a look: it asks for something that is not there."
	case n > 1:
		h.Advice = counted(n, "object") + " need a look: they ask for something that is not there."
	}
	return h
}
