package validate

import (
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"ecs-scrape/reconcile/validate/releases"
	"ecs-scrape/spec"
)

// use is something in an expression that not every release has.
type use struct {
	list, name string // as in releases
	at         int    // byte offset
	label      string // of a quoted grouping
}

func (u use) String() string {
	switch {
	case u.list == releases.Functions:
		return "function " + u.name
	case u.list == releases.Aggregators:
		return "aggregator " + u.name
	case u.name == releases.QuotedName:
		return `names in quotes within braces, such as {"a"}`
	case u.name == releases.QuotedGrouping && !spec.PlainLabel(u.label):
		return "label " + strconv.Quote(u.label) + " to group by"
	case u.name == releases.QuotedGrouping:
		return `labels in quotes to group by, such as by ("a")`
	case u.name == releases.NumberDuration:
		return "numbers as durations, nor durations as numbers, such as a[300] and a > 5m"
	}
	return "operator such as in " + releases.Example(u.name)
}

// usesOf reads an expression word by word, so that also what our parser refuses is
// found. Where it cannot be read on, the parser says so.
func usesOf(input string) []use {
	s := scanner{items: itemsOf(input)}
	for s.i = range s.items {
		s.item()
	}
	return s.found
}

func itemsOf(input string) []parser.Item {
	lexer := parser.Lex(input)
	var items []parser.Item
	for {
		var item parser.Item
		lexer.NextItem(&item)
		switch item.Typ {
		case parser.EOF, parser.ERROR:
			return items
		case parser.COMMENT:
		default:
			items = append(items, item)
		}
	}
}

type scanner struct {
	items    []parser.Item
	i        int
	grouping bool // within the labels of by and the like
	bracket  bool
	brace    bool
	found    []use
}

func (s *scanner) item() {
	item := s.items[s.i]
	switch item.Typ {
	case parser.LEFT_BRACKET, parser.RIGHT_BRACKET:
		s.bracket = item.Typ == parser.LEFT_BRACKET
	case parser.LEFT_BRACE, parser.RIGHT_BRACE:
		s.brace = item.Typ == parser.LEFT_BRACE
	case parser.LEFT_PAREN:
		s.grouping = isGrouping(s.typ(-1))
	case parser.RIGHT_PAREN:
		s.grouping = false
	case parser.STRING:
		s.text(item)
	case parser.NUMBER, parser.DURATION:
		s.number(item)
	case parser.TRIM_UPPER, parser.TRIM_LOWER:
		s.add(releases.Syntax, releases.Trim, item)
	default:
		s.word(item)
	}
}

// typ is the kind of an item before or behind.
func (s *scanner) typ(by int) parser.ItemType {
	if i := s.i + by; i >= 0 && i < len(s.items) {
		return s.items[i].Typ
	}
	return parser.EOF
}

func (s *scanner) add(list, name string, item parser.Item) {
	s.found = append(s.found, use{list: list, name: name, at: int(item.Pos)})
}

func isGrouping(t parser.ItemType) bool {
	switch t {
	case parser.BY, parser.WITHOUT, parser.ON, parser.IGNORING, parser.GROUP_LEFT, parser.GROUP_RIGHT:
		return true
	}
	return false
}

// text is a name where no value is meant.
func (s *scanner) text(item parser.Item) {
	switch {
	case s.grouping:
		s.add(releases.Syntax, releases.QuotedGrouping, item)
		s.found[len(s.found)-1].label, _ = strconv.Unquote(item.Val)
	case s.brace && !isMatch(s.typ(-1)):
		s.add(releases.Syntax, releases.QuotedName, item)
	}
}

func isMatch(t parser.ItemType) bool {
	return t == parser.EQL || t == parser.NEQ || t == parser.EQL_REGEX || t == parser.NEQ_REGEX
}

// number is one where a duration stood before 2.54, or the other way around.
func (s *scanner) number(item parser.Item) {
	before := s.typ(-1)
	offset := before == parser.OFFSET || (before == parser.SUB || before == parser.ADD) && s.typ(-2) == parser.OFFSET
	if (item.Typ == parser.NUMBER) == (s.bracket || offset) {
		s.add(releases.Syntax, releases.NumberDuration, item)
	}
}

// word is a call where a parenthesis follows. Words of the grammar are told from
// functions by their place: start and end are old behind an @.
func (s *scanner) word(item parser.Item) {
	next, aggregator := s.typ(1), strings.ToLower(item.Val)
	if s.bracket || s.brace || s.grouping || s.typ(-1) == parser.AT {
		return
	}
	_, known := releases.Known().PromQL(releases.Aggregators, aggregator)
	switch {
	case known && (next == parser.LEFT_PAREN || next == parser.BY || next == parser.WITHOUT):
		s.add(releases.Aggregators, aggregator, item)
	case next == parser.LEFT_PAREN:
		s.add(releases.Functions, item.Val, item)
	}
}
