package inventory

// uses counts, by name, what the tasks that a scope shows refer to, so that one
// changed task need not have all the others looked at.
type uses struct {
	definitions, instances, services map[string]int
}

func newUses() uses {
	return uses{definitions: map[string]int{}, instances: map[string]int{}, services: map[string]int{}}
}

// use counts a task that has come to be shown, or is no longer, by 1 or -1.
func (s *Store) use(c *scopeState, t *Task, by int) {
	changed := tally(c.uses.definitions, t.Definition, by)
	if s.facts.Instances || s.needsInstance(t) {
		changed = tally(c.uses.instances, t.Instance, by) || changed
	}
	tally(c.uses.services, t.Service(), by)
	s.uses = s.uses || changed
}

// tally counts, and says whether the name has come or gone.
func tally(counts map[string]int, name string, by int) bool {
	n := counts[name] + by
	if n == 0 {
		delete(counts, name)
		return true
	}
	counts[name] = n
	return n == by
}

// recount counts again, because which tasks use their instance may have changed.
func (s *Store) recount() {
	s.countAgain()
	s.changeUses()
}

func (s *Store) countAgain() {
	for _, c := range s.scopes {
		c.uses = newUses()
		for _, t := range c.sorted {
			s.use(c, t, 1)
		}
	}
}

// fillUses adds the definitions and instances that the scopes' tasks use.
func (s *Store) fillUses(next *Snapshot, shown []*scopeState) {
	next.Definitions, next.Instances = map[string]*Definition{}, map[string]*Instance{}
	for _, c := range shown {
		for arn := range c.uses.definitions {
			if d := s.definitions[arn]; d != nil && !d.absent {
				next.Definitions[arn] = d.definition
			}
		}
		for arn := range c.uses.instances {
			if i := s.instances[arn]; i != nil {
				next.Instances[arn] = i.instance
			}
		}
	}
}
