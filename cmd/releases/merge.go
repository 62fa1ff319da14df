package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// table is what all the releases know, by type.
type table struct {
	releases []string // minor releases, oldest first
	types    map[string]map[string]*entry
	enums    map[string]map[string]*entry
	features map[string]*entry
	promQL   map[string]map[string]*entry
}

// entry is one field, value or feature. since and gone count releases; gone is
// that of the first without it, and the number of all where it is not gone.
type entry struct {
	kind        string
	since, gone int
}

func merge(found []*knowledge) (*table, error) {
	t := &table{types: map[string]map[string]*entry{}, enums: map[string]map[string]*entry{}, features: map[string]*entry{}, promQL: map[string]map[string]*entry{}}
	for i, k := range found {
		t.releases = append(t.releases, k.release)
		if err := t.add(i, k); err != nil {
			return nil, fmt.Errorf("add Prometheus %s: %w", k.release, err)
		}
	}
	t.prune()
	return t, nil
}

// add notes what the release with the number knows.
func (t *table) add(i int, k *knowledge) error {
	for name, fields := range k.types {
		if err := note(below(t.types, name), i, len(k.types[name]), maps.All(fields)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, values := range k.enums {
		if err := note(below(t.enums, name), i, len(values), plain(values)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := note(t.features, i, len(k.features), plain(k.features)); err != nil {
		return fmt.Errorf("features: %w", err)
	}
	for _, name := range lists() {
		if err := note(below(t.promQL, name), i, len(k.promQL[name]), plain(k.promQL[name])); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func below(all map[string]map[string]*entry, name string) map[string]*entry {
	if all[name] == nil {
		all[name] = map[string]*entry{}
	}
	return all[name]
}

func plain(names []string) func(func(name, kind string) bool) {
	return func(yield func(string, string) bool) {
		for _, n := range names {
			if !yield(n, leaf) {
				return
			}
		}
	}
}

// still marks an entry that is not gone as far as it is known.
const still = 1 << 20

// note adds what one release has to the entries of one type.
func note(entries map[string]*entry, i, count int, has func(func(name, kind string) bool)) error {
	seen := make(map[string]bool, count)
	for name, kind := range has {
		seen[name] = true
		e := entries[name]
		switch {
		case e == nil:
			entries[name] = &entry{kind: kind, since: i, gone: still}
		case e.gone != still:
			return fmt.Errorf("%s was gone and is back", name)
		case kind != leaf:
			e.kind = kind
		}
	}
	for name, e := range entries {
		if !seen[name] && e.gone == still {
			e.gone = i
		}
	}
	return nil
}

// prune drops the types that are only written inline.
func (t *table) prune() {
	used := map[string]bool{configType: true, rulesType: true}
	for _, fields := range t.types {
		for _, e := range fields {
			used[element(e.kind)] = true
		}
	}
	maps.DeleteFunc(t.types, func(name string, _ map[string]*entry) bool { return !used[name] })
}

// check holds the table against each release: from the roots on, both must lead
// to the same fields and values.
func (t *table) check(found []*knowledge) error {
	for i, k := range found {
		for _, root := range []string{configType, rulesType} {
			want := paths(root, func(name string) map[string]string {
				if values := k.enums[name]; values != nil {
					return maps.Collect(plain(values))
				}
				return k.types[name]
			})
			got := paths(root, func(name string) map[string]string { return t.at(i, name) })
			if lost, more := without(want, got), without(got, want); len(lost)+len(more) > 0 {
				return fmt.Errorf("the table is wrong for Prometheus %s: it lacks %q and has %q", k.release, lost, more)
			}
		}
	}
	return nil
}

// at are the fields of a type, or its values, in the release with the number.
func (t *table) at(i int, name string) map[string]string {
	entries := t.types[name]
	if entries == nil {
		entries = t.enums[name]
	}
	out := map[string]string{}
	for field, e := range entries {
		if e.since <= i && i < e.gone {
			out[field] = e.kind
		}
	}
	return out
}

// element is the type that a kind is of.
func element(kind string) string { return strings.TrimLeft(kind, "[]{}=") }

// paths are all fields below a type, with their values.
func paths(root string, fields func(name string) map[string]string) map[string]bool {
	out := map[string]bool{}
	var walk func(name, at string)
	walk = func(name, at string) {
		for field, kind := range fields(name) {
			path := at + "." + field
			out[path] = true
			walk(element(kind), path)
		}
	}
	walk(root, "")
	return out
}

func without(a, b map[string]bool) []string {
	var out []string
	for path := range a {
		if !b[path] {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}
