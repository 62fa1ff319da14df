package main

import (
	"fmt"
	"go/ast"
	"slices"
)

// registered are the types that a package gives to discovery.RegisterConfig.
func registered(p *pkg) []string {
	var out []string
	for _, file := range p.files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "RegisterConfig" {
				return true
			}
			if ref, ok := call.Args[0].(*ast.UnaryExpr); ok {
				if lit, ok := ref.X.(*ast.CompositeLit); ok {
					out = append(out, lit.Type.(*ast.Ident).Name)
				}
			}
			return true
		})
	}
	slices.Sort(out)
	return out
}

// returned is the string that a method of a type returns, or "".
func returned(p *pkg, typeName, method string) string {
	for _, file := range p.files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name != method || f.Recv == nil || receiver(f) != typeName || len(f.Body.List) != 1 {
				continue
			}
			if r, ok := f.Body.List[0].(*ast.ReturnStmt); ok && len(r.Results) == 1 {
				lit, _ := r.Results[0].(*ast.BasicLit)
				return text(lit)
			}
		}
	}
	return ""
}

func receiver(f *ast.FuncDecl) string {
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// features are the names that --enable-feature takes: the cases of the switch in
// setFeatureListOptions.
func (s *source) features() ([]string, error) {
	p, err := s.pkg(prometheusModule + "/cmd/prometheus")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, file := range p.files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "setFeatureListOptions" {
				out = append(out, cases(f)...)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no features in %s", p.path)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// cases are the strings that a function's switches tell apart.
func cases(f *ast.FuncDecl) []string {
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.CaseClause); ok {
			for _, e := range c.List {
				if lit, ok := e.(*ast.BasicLit); ok && text(lit) != "" {
					out = append(out, text(lit))
				}
			}
		}
		return true
	})
	return out
}
