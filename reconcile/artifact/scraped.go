package artifact

import "slices"

// Scraped is what a configuration has scraped: by the name of a pool and the name
// of an object the sorted schemes. Where pools show credentials, it tells who may
// have them when the configuration is gone back to.
type Scraped map[string]map[string][]string

// Has says that the pool has scraped the object by the scheme.
func (s Scraped) Has(pool, object, scheme string) bool {
	return object != "" && slices.Contains(s[pool][object], scheme)
}

// Add notes what a pool scrapes, and says whether any of it is new.
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
		if s[p.Name] == nil {
			s[p.Name] = map[string][]string{}
		}
		s[p.Name][o] = append(s[p.Name][o], by)
		slices.Sort(s[p.Name][o])
		grown = true
	}
	return grown
}
