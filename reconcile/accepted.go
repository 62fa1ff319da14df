package reconcile

import (
	"encoding/json"
	"fmt"
	"slices"

	"ecs-scrape/spec"
)

// Accepted are the last valid versions of objects, by identity.
type Accepted map[spec.ID]*spec.Object

// record is an accepted object on disk: its own bytes are enough.
type record struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // where it stood in the file
	Source []byte `json:"source"`
}

// Encode writes the accepted objects for [DecodeAccepted], sorted by identity.
func (a Accepted) Encode() ([]byte, error) {
	records := []record{}
	for _, o := range a.set().Objects {
		if o.Source != nil { // else nobody wrote it
			records = append(records, record{File: o.Position.File, Line: o.Position.Line, Source: o.Source})
		}
	}
	return json.Marshal(records)
}

// DecodeAccepted reads what Encode wrote. Objects that this version no longer
// takes are left out.
func DecodeAccepted(data []byte) (Accepted, error) {
	var records []record
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("decode the accepted objects: %w", err)
	}
	out := Accepted{}
	for _, r := range records {
		for _, o := range spec.Decode([]spec.File{{Name: r.File, Data: r.Source}}).Objects {
			o.Position.Line = r.Line
			out[o.ID] = o
		}
	}
	return out, nil
}

// set is the accepted objects as a set, for when the source cannot be read.
func (a Accepted) set() *spec.Set {
	set := &spec.Set{}
	for _, o := range a {
		set.Objects = append(set.Objects, o)
	}
	slices.SortFunc(set.Objects, func(x, y *spec.Object) int { return x.Compare(y.ID) })
	return set
}
