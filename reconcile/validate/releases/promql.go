package releases

import (
	"maps"
	"slices"
)

// Lists of what PromQL has.
const (
	Functions    = "functions"
	Experimental = "experimental" // the functions that need a feature
	Aggregators  = "aggregators"
	Syntax       = "syntax"
)

// Names in the list Syntax.
const (
	QuotedName     = "quoted-name"     // {"a"}
	QuotedGrouping = "quoted-grouping" // by ("a")
	NumberDuration = "number-duration" // a[300], a > 5m
	DurationExpr   = "duration-expr"   // a[5m * 2]; before, it is a feature
	Trim           = "trim"            // a </ 5
)

// PromQL says which releases have a name in one of the lists.
func (t *Table) PromQL(list, name string) (Span, bool) {
	s, ok := t.promQL[list][name]
	return s, ok
}

// FunctionNames are those that any release has, sorted.
func (t *Table) FunctionNames() []string {
	return slices.Sorted(maps.Keys(t.promQL[Functions]))
}

// Example shows a name in the list Syntax as it is written.
func Example(syntax string) string {
	switch syntax {
	case QuotedName:
		return `{"a"}`
	case QuotedGrouping:
		return `by ("a")`
	case NumberDuration:
		return "a[300]"
	case DurationExpr:
		return "a[5m * 2]"
	case Trim:
		return "a </ 5"
	}
	return syntax
}
