package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// source reads packages of one release and of Prometheus's other modules, in the
// versions that the release is built with.
type source struct {
	mods     *modules
	dir      string            // of the release
	required map[string]string // versions of other modules
	pkgs     map[string]*pkg   // by import path; nil is one that is not read
}

// pkg is a package as it is written.
type pkg struct {
	path  string
	name  string
	files []*ast.File
	types map[string]typeDecl
}

type typeDecl struct {
	pkg  *pkg
	file *ast.File
	spec *ast.TypeSpec
}

func (m *modules) source(release string) (*source, error) {
	version, err := moduleVersion(release)
	if err != nil {
		return nil, err
	}
	dir, err := m.dir(prometheusModule, version)
	if err != nil {
		return nil, err
	}
	required, err := m.required(dir)
	return &source{mods: m, dir: dir, required: required, pkgs: map[string]*pkg{}}, err
}

// pkg reads a package; nil is one of others than Prometheus, which is not read.
func (s *source) pkg(importPath string) (*pkg, error) {
	if p, ok := s.pkgs[importPath]; ok {
		return p, nil
	}
	dir, err := s.find(importPath)
	if err != nil || dir == "" {
		s.pkgs[importPath] = nil
		return nil, err
	}
	p, err := parse(importPath, dir)
	s.pkgs[importPath] = p
	return p, err
}

// find is the directory of a package, or "".
func (s *source) find(importPath string) (string, error) {
	if below, ok := strings.CutPrefix(importPath, prometheusModule+"/"); ok {
		return filepath.Join(s.dir, filepath.FromSlash(below)), nil
	}
	if !strings.HasPrefix(importPath, path.Dir(prometheusModule)+"/") {
		return "", nil
	}
	for mod := importPath; mod != "."; mod = path.Dir(mod) {
		if version := s.required[mod]; version != "" {
			dir, err := s.mods.dir(mod, version)
			return filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(importPath, mod))), err
		}
	}
	return "", fmt.Errorf("no module has the package %s", importPath)
}

func parse(importPath, dir string) (*pkg, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	p := &pkg{path: importPath, types: map[string]typeDecl{}}
	fset := token.NewFileSet()
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.add(file)
	}
	return p, nil
}

func (p *pkg) add(file *ast.File) {
	p.name = file.Name.Name
	p.files = append(p.files, file)
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		for _, s := range decl.Specs {
			if t, ok := s.(*ast.TypeSpec); ok {
				p.types[t.Name.Name] = typeDecl{pkg: p, file: file, spec: t}
			}
		}
	}
}

// imported is the path that a file calls name. A package that is not named in the
// import is named by the last part of its path that is no version.
func imported(file *ast.File, name string) string {
	for _, i := range file.Imports {
		importPath := text(i.Path)
		called := path.Base(importPath)
		if len(called) > 1 && called[0] == 'v' && strings.Trim(called[1:], "0123456789") == "" {
			called = path.Base(path.Dir(importPath))
		}
		if i.Name != nil {
			called = i.Name.Name
		}
		if called == name {
			return importPath
		}
	}
	return ""
}

// text is the value of a string literal.
func text(lit *ast.BasicLit) string {
	if lit == nil || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}
