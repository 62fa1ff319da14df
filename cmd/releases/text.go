package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

const header = `# What each release of Prometheus knows. Written by ` + "`make releases`" + ` from the modules of the releases.
#
# Below a type are its fields: what is in them, the first release that knows the field, unless that
# is the first of all, and the first that no longer does. "-" holds nothing of Prometheus's own, []
# begins a list, {} a mapping whose keys are the user's, and = the type of a value.
#
# Of PromQL: its functions, those of them that are experimental, its aggregators, and what its
# grammar takes without a feature: "quoted-name" is {"a"}, "quoted-grouping" by ("a"),
# "number-duration" a[300] and a > 5m, "duration-expr" a[5m * 2], and "trim" a </ 5.
`

// text is the table as it is read by package releases.
func (t *table) text() []byte {
	b := bytes.NewBufferString(header)
	fmt.Fprint(b, "\nreleases")
	for _, r := range t.releases {
		fmt.Fprint(b, " ", r)
	}
	fmt.Fprintln(b)
	for _, name := range slices.Sorted(maps.Keys(t.types)) {
		t.section(b, "type "+name, t.types[name], true)
	}
	for _, name := range slices.Sorted(maps.Keys(t.enums)) {
		t.section(b, "values "+name, t.enums[name], false)
	}
	t.section(b, "features", t.features, false)
	for _, name := range lists() {
		t.section(b, name, t.promQL[name], false)
	}
	return b.Bytes()
}

func (t *table) section(b *bytes.Buffer, title string, entries map[string]*entry, kinds bool) {
	fmt.Fprintf(b, "\n%s\n", title)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e := entries[name]
		fmt.Fprint(b, "  ", name)
		if kinds {
			fmt.Fprint(b, " ", e.kind)
		}
		if e.since > 0 {
			fmt.Fprint(b, " since ", t.releases[e.since])
		}
		if e.gone != still {
			fmt.Fprint(b, " gone ", t.releases[e.gone])
		}
		fmt.Fprintln(b)
	}
}
