package web

import (
	"fmt"

	"ecs-scrape/controller"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// headline is the overall state in plain words.
type headline struct {
	Says   string // what is so
	Advice string // what to do
	Detail string // in the words of whoever found it
}

// headlineOf puts first what keeps most from being as it should. The order is
// that of the state itself, see [controller.Status].
func headlineOf(s *controller.Status, objects []objectRow) headline {
	for _, of := range []func(*controller.Status, []objectRow) headline{beginning, ofSpecs, ofPass, ofConfig, ofHold, ofObjects, ofWaiting, ofClusters, ofEvents} {
		if h := of(s, objects); h.Says != "" {
			if h.Detail == "" {
				h.Detail = s.Message
			}
			return h
		}
	}
	if s.State != controller.StateOK {
		return headline{"Something is not as the specs ask for; what was valid stays in use.", "The reason is below.", s.Message}
	}
	return inOrder(s, objects)
}

func beginning(s *controller.Status, _ []objectRow) headline {
	switch {
	case s.State == controller.StateStarting && s.Healthy:
		return headline{Says: "The controller is starting; what was published before stays live.", Advice: "Nothing to do: the first pass takes seconds."}
	case s.State == controller.StateStarting:
		return headline{Says: "The controller is starting; nothing is published yet.", Advice: "Nothing to do: the first pass takes seconds."}
	}
	return headline{}
}

func ofSpecs(s *controller.Status, _ []objectRow) headline {
	switch {
	case s.Specs.Error != "":
		return headline{"The specs cannot be loaded; the last good ones stay in use, and targets follow.", "See that " + s.Specs.Location + " can be read.", s.Specs.Error}
	case !s.Healthy:
		return headline{Says: "Nothing is published, so Prometheus has nothing to load.", Advice: "Mend what is named below; everything else waits for it."}
	}
	return headline{}
}

// ofPass tells of a pass that failed: the state then has a message that is
// neither Prometheus's nor of a document.
func ofPass(s *controller.Status, _ []objectRow) headline {
	fault, faulty := spec.FirstError(s.Problems)
	if s.Config.Error == "" && (s.Hold != nil || !faulty) || s.Message == "" || s.Message == s.Config.Error || faulty && s.Message == fault.Error() {
		return headline{}
	}
	return headline{"The last pass failed; what is published stays.", "It is tried again by itself; mend the reason below.", s.Message}
}

func ofHold(s *controller.Status, _ []objectRow) headline {
	switch {
	case s.Hold == nil:
		return headline{}
	case s.Hold.Error != "":
		return headline{"What was gone back to is not held: what the specs ask for is published.", "See why below, and go back again if that is still meant.", s.Hold.Error}
	}
	return headline{Says: "A configuration that was gone back to is held; targets follow.", Advice: "Mend the specs, then release it."}
}

func ofConfig(s *controller.Status, _ []objectRow) headline {
	switch {
	case s.Config.Error == "":
		return headline{}
	case s.Config.Confirmed != "" && s.Config.Confirmed == s.Config.Desired:
		return headline{"Prometheus has the configuration, and still something is missing there.", "See that it runs and can read what the configuration names.", s.Config.Error}
	}
	return headline{"Prometheus does not run what the specs ask for.", "Its reason is below; what ran before stays, and targets follow.", s.Config.Error}
}

func ofObjects(s *controller.Status, objects []objectRow) headline {
	broken := ofClass(objects, classBroken)
	switch fault, faulty := spec.FirstError(s.Problems); {
	case len(broken) == 1:
		return headline{fmt.Sprintf("%s %s is broken; everything else is served.", broken[0].Kind, broken[0].Name), "Mend it at " + broken[0].Place + ". " + meanwhile(broken[0].Served), broken[0].Why}
	case len(broken) > 1:
		return headline{counted(len(broken), "object") + " are broken; everything else is served.", "Mend them: each says what is wrong and where. The first:", broken[0].Why}
	case faulty:
		return headline{"A document of the specs is refused; everything else is served.", "Mend it where it says.", fault.Error()}
	}
	return headline{}
}

func meanwhile(served string) string {
	if served == "" {
		return "Until then it is left out."
	}
	return "Until then its last valid version is served."
}

func ofWaiting(s *controller.Status, _ []objectRow) headline {
	if s.State != controller.StatePending {
		return headline{}
	}
	return headline{
		Says:   "The configuration is published, and Prometheus has not confirmed it yet.",
		Advice: "Nothing to do for some seconds; if it stays, see that Prometheus runs and is reached.",
	}
}

func ofClusters(s *controller.Status, _ []objectRow) headline {
	unread := 0
	for i := range s.Scopes {
		if sc := &s.Scopes[i]; sc.State == inventory.Stale || sc.State == inventory.Unsynced && sc.Reason != "" {
			unread++
		}
	}
	switch {
	case unread == 1:
		return headline{Says: "A cluster cannot be read; its targets stay as last known.", Advice: "See that AWS is reached and allows it; the reason is below."}
	case unread > 1:
		return headline{Says: counted(unread, "cluster") + " cannot be read; their targets stay as last known.", Advice: "See that AWS is reached and allows it; the first reason is below."}
	}
	for i := range s.Sources {
		if s.Sources[i].Reason != "" {
			return headline{Says: "The clusters of a region cannot be listed; targets stay as last known.", Advice: "See that AWS is reached and allows it; the reason is below."}
		}
	}
	return headline{}
}

func ofEvents(s *controller.Status, _ []objectRow) headline {
	for i := range s.Sources {
		if e := s.Sources[i].Events; e != nil && !e.Working && e.Reason != "" {
			return headline{Says: "The events of a region do not arrive; its clusters are polled instead.", Advice: "See that the queue is there and may be read; the reason is below."}
		}
	}
	return headline{}
}

func inOrder(s *controller.Status, objects []objectRow) headline {
	h := headline{Says: "Everything the specs ask for is published, and Prometheus has loaded it.", Advice: "Nothing to do.", Detail: s.Message}
	switch n := len(ofClass(objects, classAttention)); {
	case len(s.Interference) > 0:
		h.Advice = "Somebody else has changed what is published. That has been undone; see who it was."
	case n == 1:
		h.Advice = "One object needs a look: it asks for something that is not there."
	case n > 1:
		h.Advice = counted(n, "object") + " need a look: they ask for something that is not there."
	}
	return h
}
