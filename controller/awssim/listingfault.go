package awssim

import (
	"maps"
	"strings"
)

// The verbs that arm faults of single tasks.
const (
	omitFromNextListing  = "OmitFromNextListing"
	omitFromNextDescribe = "OmitFromNextDescribe"
	listStopped          = "ListStopped"
	describeOlder        = "DescribeOlder"
	missingOnce          = "MissingOnce"
	failOnce             = "FailOnce"
)

// listingFaults are armed faults of single tasks. Each is spent once.
type listingFaults struct {
	left    map[taskFault]int
	reasons map[*task][]string // of failOnce
}

type taskFault struct {
	verb string
	task *task
}

func newListingFaults() listingFaults {
	return listingFaults{left: map[taskFault]int{}, reasons: map[*task][]string{}}
}

func (f *listingFaults) forget(t *task) {
	maps.DeleteFunc(f.left, func(armed taskFault, _ int) bool { return armed.task == t })
	delete(f.reasons, t)
}

// armTask arms a fault of a task, named by ARN or id.
func (p *Place) armTask(verb, name string) error {
	return p.onTask(name, func(t *task) error {
		p.listing.left[taskFault{verb, t}]++
		p.sim.faultCounts.armed(verb)
		return nil
	})
}

// spend uses up one armed fault of a task.
func (p *Place) spend(verb string, t *task) bool {
	f := taskFault{verb, t}
	if p.listing.left[f] == 0 {
		return false
	}
	if p.listing.left[f]--; p.listing.left[f] == 0 {
		delete(p.listing.left, f)
	}
	p.sim.faultCounts.met(verb)
	return true
}

// OmitFromNextListing leaves a running task, named by ARN or id, out of the
// next ListTasks that should have it.
func (p *Place) OmitFromNextListing(name string) error {
	return p.armTask(omitFromNextListing, name)
}

// ListStopped has the next ListTasks after a task has begun to stop still name
// it as running.
func (p *Place) ListStopped(name string) error {
	return p.armTask(listStopped, name)
}

// DescribeOlder has the next DescribeTasks answer a task as it was before its
// version last rose.
func (p *Place) DescribeOlder(name string) error {
	return p.armTask(describeOlder, name)
}

// MissingOnce has the next DescribeTasks report a task as MISSING.
func (p *Place) MissingOnce(name string) error {
	return p.armTask(missingOnce, name)
}

// FailOnce has the next DescribeTasks report a task as failed for a reason, such
// as "ACCESS_DENIED", or an empty one.
func (p *Place) FailOnce(name, reason string) error {
	return p.onTask(name, func(t *task) error {
		p.listing.reasons[t] = append(p.listing.reasons[t], reason)
		p.sim.faultCounts.armed(failOnce)
		return nil
	})
}

// OmitFromNextDescribe has the next DescribeTasks that names a task answer
// neither with it nor with a failure.
func (p *Place) OmitFromNextDescribe(name string) error {
	return p.armTask(omitFromNextDescribe, name)
}

// spendReason uses up one armed failure of a task.
func (p *Place) spendReason(t *task) (reason string, ok bool) {
	reasons := p.listing.reasons[t]
	if len(reasons) == 0 {
		return "", false
	}
	p.listing.reasons[t] = reasons[1:]
	p.sim.faultCounts.met(failOnce)
	return reasons[0], true
}

// lastPart is what follows the last slash of an ARN, or the whole name.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
