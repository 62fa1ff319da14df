package awssim

import "slices"

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
