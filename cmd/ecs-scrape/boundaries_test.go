package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// boundary is what only some packages may do.
type boundary struct {
	what  string
	names map[string][]string // of packages; nil is all names
	may   []string
}

// boundaries of the released program: it runs no other program, writes nowhere
// but below the output directory, and listens at one address.
func boundaries() []boundary {
	return []boundary{
		{"runs a program", map[string][]string{
			"os/exec": nil, "os": {"StartProcess"}, "syscall": {"Exec", "ForkExec", "StartProcess"}, "plugin": nil,
		}, nil},
		{"writes files", map[string][]string{
			"os": {
				"Chmod", "Chown", "Chtimes", "Create", "CreateTemp", "Lchown", "Link", "Mkdir", "MkdirAll", "MkdirTemp", "OpenFile",
				"OpenRoot", "Remove", "RemoveAll", "Rename", "Symlink", "Truncate", "WriteFile",
			},
			"io/ioutil": nil,
		}, []string{"controller/target"}},
		{"listens", map[string][]string{
			"net":      {"Listen", "ListenConfig", "ListenPacket", "ListenTCP", "ListenUDP", "ListenUnix", "FileListener"},
			"net/http": {"ListenAndServe", "ListenAndServeTLS"},
		}, []string{"cmd/ecs-scrape"}},
	}
}

func (b boundary) crossed(imported, name string) bool {
	names, ok := b.names[imported]
	return ok && (names == nil || slices.Contains(names, name))
}

// crossings are the places in a file that cross a boundary.
func crossings(rel, name string, src []byte) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		return nil, err
	}
	imports := importNames(file)
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		for _, b := range boundaries() {
			if ok && !slices.Contains(b.may, rel) && b.crossed(imports[x.Name], sel.Sel.Name) {
				out = append(out, fmt.Sprintf("%s/%s:%d %s: %s.%s", rel, name, fset.Position(sel.Pos()).Line, b.what, x.Name, sel.Sel.Name))
			}
		}
		return true
	})
	return out, nil
}

// TestBoundaries looks at every file of ours that is linked into the program.
func TestBoundaries(t *testing.T) {
	linked := strings.Fields(string(goList(t, "-deps", "./cmd/ecs-scrape")))
	for _, p := range listPackages(t) {
		if !slices.Contains(linked, p.ImportPath) {
			continue
		}
		for _, name := range p.GoFiles {
			src, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			found, err := crossings(p.rel(), name, src)
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range found {
				t.Error(problem)
			}
		}
	}
}

func TestBoundaryRules(t *testing.T) {
	const src = `package source
import ("net"; system "os"; "os/exec")
func f() { exec.Command("sh"); system.WriteFile("x", nil, 0); net.Listen("tcp", ""); system.ReadFile("x") }`
	for rel, want := range map[string]int{"controller/source": 3, "controller/target": 2, "cmd/ecs-scrape": 2} {
		if got, err := crossings(rel, "x.go", []byte(src)); err != nil || len(got) != want {
			t.Errorf("in %s: %q, %v", rel, got, err)
		}
	}
}
