package main

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const parserPackage = prometheusModule + "/promql/parser"

// Lists of what a release's PromQL has.
const (
	functionList     = "functions"
	experimentalList = "experimental" // the functions that need a feature
	aggregatorList   = "aggregators"
	syntaxList       = "syntax"
)

func lists() []string {
	return []string{functionList, experimentalList, aggregatorList, syntaxList}
}

// promQL reads what a release's PromQL has: the functions of functions.go, and
// what the grammar makes of the lexer's words.
func (s *source) promQL() (map[string][]string, error) {
	p, err := s.pkg(parserPackage)
	if err != nil {
		return nil, err
	}
	grammar, err := os.ReadFile(filepath.Join(s.dir, "promql", "parser", "generated_parser.y"))
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(filepath.Join(s.dir, "cmd", "prometheus", "main.go"))
	if err != nil {
		return nil, err
	}
	out := map[string][]string{syntaxList: syntax(string(grammar) + string(program))}
	for name, f := range entries(p, "Functions") {
		out[functionList] = append(out[functionList], name)
		if isTrue(f, "Experimental") {
			out[experimentalList] = append(out[experimentalList], name)
		}
	}
	out[aggregatorList], err = aggregators(p, string(grammar))
	for _, names := range out {
		slices.Sort(names)
	}
	if len(out[functionList]) == 0 {
		return nil, fmt.Errorf("no functions in %s", p.path)
	}
	return out, err
}

// entries are those of a mapping from texts that a package's variable begins with.
func entries(p *pkg, variable string) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, file := range p.files {
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Names) != 1 || v.Names[0].Name != variable || len(v.Values) != 1 {
				return true
			}
			if lit, ok := v.Values[0].(*ast.CompositeLit); ok {
				for _, e := range lit.Elts {
					pair := e.(*ast.KeyValueExpr)
					if key, ok := pair.Key.(*ast.BasicLit); ok {
						out[text(key)] = pair.Value
					}
				}
			}
			return false
		})
	}
	return out
}

// isTrue says that a field of a struct is set.
func isTrue(e ast.Expr, field string) bool {
	lit, ok := e.(*ast.CompositeLit)
	return ok && slices.ContainsFunc(lit.Elts, func(e ast.Expr) bool {
		pair, ok := e.(*ast.KeyValueExpr)
		if !ok || pair.Key.(*ast.Ident).Name != field {
			return false
		}
		value, ok := pair.Value.(*ast.Ident)
		return ok && value.Name == "true"
	})
}

var aggregateRule = regexp.MustCompile(`(?m)^aggregate_op\s*:([A-Z_|\s]+);`)

// aggregators are the words of the grammar's tokens for them.
func aggregators(p *pkg, grammar string) ([]string, error) {
	m := aggregateRule.FindStringSubmatch(grammar)
	if m == nil {
		return nil, fmt.Errorf("no aggregators in the grammar of %s", p.path)
	}
	words := map[string]string{}
	for word, token := range entries(p, "key") {
		if name, ok := token.(*ast.Ident); ok {
			words[name.Name] = word
		}
	}
	var out []string
	for token := range strings.SplitSeq(m[1], "|") {
		word := words[strings.TrimSpace(token)]
		if word == "" {
			return nil, fmt.Errorf("no word is the token %q in %s", strings.TrimSpace(token), p.path)
		}
		out = append(out, word)
	}
	return out, nil
}

// syntax names what the grammar takes by the rules that came with it, and what the
// program allows of it without a feature.
func syntax(source string) []string {
	var out []string
	for name, rule := range map[string]string{
		"quoted-name":     `(?m)^string_identifier\s*:`,                // {"a"}
		"quoted-grouping": `(?m)^grouping_label\s*:[^;]*\|\s*STRING\b`, // by ("a")
		"number-duration": `(?m)^number_duration_literal\s*:`,          // a[300], 5m > a
		"trim":            `(?m)\bTRIM_UPPER\b`,                        // a </ 5
		"duration-expr":   `\bExperimentalDurationExpr: true\b`,        // a[5m * 2]
	} {
		if regexp.MustCompile(rule).MatchString(source) {
			out = append(out, name)
		}
	}
	return out
}
