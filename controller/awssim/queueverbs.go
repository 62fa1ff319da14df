package awssim

import "slices"

// DeleteQueue deletes a queue of the place with all its messages. Whoever is
// subscribed by it hears no more, also where one of that name is created again.
func (p *Place) DeleteQueue(name string) {
	_ = p.change(func() error {
		q, ok := p.queues[name]
		if !ok {
			return nil
		}
		delete(p.queues, name)
		for _, other := range p.sim.places {
			other.subscribers = slices.DeleteFunc(other.subscribers, func(s *queue) bool { return s == q })
		}
		q.notify()
		return nil
	})
}

// ForwardEvents has every later event of the place delivered also to a queue of
// another place, as event buses forward them across accounts and regions.
func (p *Place) ForwardEvents(to *Place, name string) {
	_ = p.change(func() error {
		if q := to.createQueue(name, nil); !slices.Contains(p.subscribers, q) {
			p.subscribers = append(p.subscribers, q)
		}
		return nil
	})
}
