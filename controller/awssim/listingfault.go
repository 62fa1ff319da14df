package awssim

import "strings"

// listingFaults are armed faults of single tasks. Each is spent once.
type listingFaults struct {
	omit        map[*task]int
	listStopped map[*task]int
	older       map[*task]int
	missing     map[*task]int
	unanswered  map[*task]int
	failed      map[*task][]string // reasons
}

func newListingFaults() listingFaults {
	return listingFaults{
		omit: map[*task]int{}, listStopped: map[*task]int{}, older: map[*task]int{}, missing: map[*task]int{},
		unanswered: map[*task]int{}, failed: map[*task][]string{},
	}
}

func (f *listingFaults) forget(t *task) {
	for _, m := range []map[*task]int{f.omit, f.listStopped, f.older, f.missing, f.unanswered} {
		delete(m, t)
	}
	delete(f.failed, t)
}

// spend uses up one armed fault of a task.
func spend(m map[*task]int, t *task) bool {
	if m[t] == 0 {
		return false
	}
	m[t]--
	if m[t] == 0 {
		delete(m, t)
	}
	return true
}

// OmitFromNextListing leaves a running task, named by ARN or id, out of the
// next ListTasks that should have it.
func (p *Place) OmitFromNextListing(name string) error {
	return p.onTask(name, func(t *task) error { p.listing.omit[t]++; return nil })
}

// ListStopped has the next ListTasks after a task has begun to stop still name
// it as running.
func (p *Place) ListStopped(name string) error {
	return p.onTask(name, func(t *task) error { p.listing.listStopped[t]++; return nil })
}

// DescribeOlder has the next DescribeTasks answer a task as it was before its
// version last rose.
func (p *Place) DescribeOlder(name string) error {
	return p.onTask(name, func(t *task) error { p.listing.older[t]++; return nil })
}

// MissingOnce has the next DescribeTasks report a task as MISSING.
func (p *Place) MissingOnce(name string) error {
	return p.onTask(name, func(t *task) error { p.listing.missing[t]++; return nil })
}

// FailOnce has the next DescribeTasks report a task as failed for a reason, such
// as "ACCESS_DENIED", or an empty one.
func (p *Place) FailOnce(name, reason string) error {
	return p.onTask(name, func(t *task) error {
		p.listing.failed[t] = append(p.listing.failed[t], reason)
		return nil
	})
}

// OmitFromNextDescribe has the next DescribeTasks that names a task answer
// neither with it nor with a failure.
func (p *Place) OmitFromNextDescribe(name string) error {
	return p.onTask(name, func(t *task) error { p.listing.unanswered[t]++; return nil })
}

// spendReason uses up one armed failure of a task.
func (f *listingFaults) spendReason(t *task) (reason string, ok bool) {
	reasons := f.failed[t]
	if len(reasons) == 0 {
		return "", false
	}
	f.failed[t] = reasons[1:]
	return reasons[0], true
}

// lastPart is what follows the last slash of an ARN, or the whole name.
func lastPart(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
