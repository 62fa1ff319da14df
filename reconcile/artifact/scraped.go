package artifact

import "slices"

// Scraped is where a configuration has scraped each object, by the object's name.
// It says where the object's targets belong when the configuration is gone back to,
// and may have the credentials of that pool.
type Scraped map[string]ScrapedIn

// ScrapedIn is the one pool of an object.
type ScrapedIn struct {
	Pool    string   `json:"pool"`    // its name
	Schemes []string `json:"schemes"` // sorted
}

// Has says that the pool has scraped the object by the scheme.
func (s Scraped) Has(pool, object, scheme string) bool {
	in, ok := s[object]
	return ok && in.Pool == pool && slices.Contains(in.Schemes, scheme)
}

// Add notes what a pool scrapes, and says whether any of it is new. An object that
// was in another pool has moved.
func (s Scraped) Add(p Pool) (grown bool) {
	if !p.Scraped() || p.Self() {
		return false
	}
	object, scheme := "", ""
	for i := range p.Targets {
		t := &p.Targets[i]
		o, by := t.Origin.Object, t.Labels.Get("__scheme__")
		if o == "" || o == object && by == scheme { // most are of the object of the one before
			continue
		}
		object, scheme = o, by
		if s.Has(p.Name, o, by) {
			continue
		}
		in := s[o]
		if in.Pool != p.Name {
			in = ScrapedIn{Pool: p.Name}
		}
		in.Schemes = append(slices.Clone(in.Schemes), by)
		slices.Sort(in.Schemes)
		s[o], grown = in, true
	}
	return grown
}
