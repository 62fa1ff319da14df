package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module = "ecs-scrape"
	root   = "../.."
)

// values are the packages that everything else speaks in; they import nothing of this module.
var values = []string{"spec", "reconcile/inventory", "reconcile/artifact"}

// mayImport is the table of the layout: for each package, what of this module it may import.
// A package that is not listed is held to its nearest listed ancestor and may also import within it;
// directly below reconcile and controller each package needs a line of its own.
var mayImport = map[string][]string{
	"spec":                {},
	"reconcile/inventory": {},
	"reconcile/artifact":  {},
	"reconcile/plan":      values,
	"reconcile/validate":  values,
	"reconcile":           append([]string{"reconcile/plan", "reconcile/validate"}, values...),
	"controller/source":   {"controller/s3client", "spec"},
	"controller/ecs":      {"reconcile/inventory"},
	"controller/target":   {"reconcile/artifact"},
	"controller/s3client": {},
	"controller/s3object": {"controller/s3client"},
	"controller/web":      append([]string{"controller", "reconcile", "reconcile/plan"}, values...),
	"controller/awssim":   {},
	"controller":          append([]string{"controller/target", "reconcile", "reconcile/plan", "reconcile/validate"}, values...),
	"examples":            {},
	"cmd":                 {"cmd", "spec", "reconcile", "controller", "examples"}, // and all below them
}

// impure are standard packages that do I/O, log, or give another answer each time.
var impure = []string{
	"crypto/rand", "io/ioutil", "log", "log/slog", "math/rand", "math/rand/v2",
	"net/http", "os", "os/exec", "os/signal", "os/user", "syscall",
}

// impureNames are what pure packages may not use of packages that they may import.
var impureNames = map[string][]string{
	"time": {"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"},
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	"path/filepath": {
		"Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir",
	},
}

// onlyNames are all that pure packages may use of packages whose rest does I/O: of net what works on
// strings, of log/slog what makes the logger that Prometheus's parsers insist on and that discards.
var onlyNames = map[string][]string{
	"net":      {"IP", "JoinHostPort", "ParseIP", "SplitHostPort"},
	"log/slog": {"DiscardHandler", "Logger", "New"},
}

// discards are the packages that call Prometheus's parsers.
var discards = []string{"reconcile/plan", "reconcile/validate"}

// goPackage is what `go list -json` says of a package, as far as it is read here.
type goPackage struct {
	Dir        string
	ImportPath string
	Imports    []string
	GoFiles    []string
}

// rel is the package's path below the module, "." for the module's root.
func (p goPackage) rel() string {
	return relative(p.ImportPath)
}

func relative(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, problem := range checkImports(p) {
			t.Error(problem)
		}
	}
}

func TestImportRules(t *testing.T) {
	for _, tc := range []struct {
		pkg, imports string
		ok           bool
	}{
		{"spec", "time", true},
		{"spec", "os", false},
		{"spec", "log/slog", false},
		{"spec", "ecs-scrape/reconcile/artifact", false},
		{"reconcile/plan", "ecs-scrape/spec", true},
		{"reconcile/plan", "ecs-scrape/reconcile/validate", false},
		{"reconcile/plan", "net/http", false},
		{"reconcile/validate", "log/slog", true},
		{"reconcile", "ecs-scrape/reconcile/plan", true},
		{"reconcile", "ecs-scrape/controller/target", false},
		{"reconcile/other", "errors", false},
		{"controller/source", "ecs-scrape/spec", true},
		{"controller/source", "ecs-scrape/controller/ecs", false},
		{"controller/ecs", "ecs-scrape/reconcile", false},
		{"controller/awssim/wire", "ecs-scrape/controller/awssim", true},
		{"controller/awssim", "ecs-scrape/spec", false},
		{"controller", "ecs-scrape/reconcile", true},
		{"controller", "ecs-scrape/controller/ecs", false},
		{"controller/other", "errors", false},
		{"cmd/ecs-sim", "ecs-scrape/controller/awssim", true},
		{"util", "errors", false},
	} {
		t.Run(tc.pkg+" imports "+tc.imports, func(t *testing.T) {
			problems := checkImports(goPackage{ImportPath: module + "/" + tc.pkg, Imports: []string{tc.imports}})
			if ok := len(problems) == 0; ok != tc.ok {
				t.Errorf("allowed = %t, want %t: %q", ok, tc.ok, problems)
			}
		})
	}
}

// The language and the pass are functions of their inputs: the same inputs must always give the
// same bytes.
func TestPurePackagesReadNoClockAndDoNoIO(t *testing.T) {
	for _, p := range listPackages(t) {
		if !isPure(p.rel()) {
			continue
		}
		for _, name := range p.GoFiles {
			src, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			problems, err := checkNames(p.rel(), name, src)
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range problems {
				t.Error(problem)
			}
		}
	}
}

func TestNameRules(t *testing.T) {
	const src = `package plan
import ("fmt"; "log/slog"; "net"; clock "time")
var now = clock.Now
func f() error {
	clock.Sleep(clock.Second)
	_ = slog.New(slog.DiscardHandler)
	slog.Info("x")
	net.Dial("tcp", net.JoinHostPort("a", "1"))
	return fmt.Errorf("x")
}`
	got, err := checkNames("reconcile/plan", "x.go", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"reconcile/plan/x.go:3 uses time.Now: it is to be a function of its inputs",
		"reconcile/plan/x.go:5 uses time.Sleep: it is to be a function of its inputs",
		"reconcile/plan/x.go:7 uses log/slog.Info: it is to be a function of its inputs",
		"reconcile/plan/x.go:8 uses net.Dial: it is to be a function of its inputs",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTopLevel(t *testing.T) {
	allowed := strings.Fields(`cmd controller spec reconcile examples go.mod go.sum Makefile Dockerfile
		README.md CONTRIBUTING.md LICENSE docs tools.mod tools.sum bin`)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		leftover := slices.Contains([]string{".out", ".prof", ".test"}, path.Ext(e.Name()))
		if !strings.HasPrefix(e.Name(), ".") && !leftover && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s has no place at the top level", e.Name())
		}
	}
}

// TestBinaryDependencies looks at everything that is linked into the released binary.
func TestBinaryDependencies(t *testing.T) {
	out := goList(t, "-deps", "./cmd/ecs-scrape")
	for line := range strings.Lines(string(out)) {
		dep := strings.TrimSpace(line)
		for _, banned := range []string{module + "/controller/awssim", module + "/cmd/ecs-sim", "github.com/johannesboyne/gofakes3"} {
			if dep == banned || strings.HasPrefix(dep, banned+"/") {
				t.Errorf("the released binary contains %s", dep)
			}
		}
	}
}

// checkImports holds one package's imports against the tables.
func checkImports(p goPackage) []string {
	rel := p.rel()
	owner, ok := ruleFor(rel)
	if !ok {
		return []string{rel + " is not in the table of the layout"}
	}
	var problems []string
	for _, imported := range p.Imports {
		switch {
		case imported == module || strings.HasPrefix(imported, module+"/"):
			if to := relative(imported); !importAllowed(owner, to) {
				problems = append(problems, fmt.Sprintf("%s imports %s, which points the wrong way", rel, to))
			}
		case imported == "log/slog" && slices.Contains(discards, owner):
		case isPure(rel) && slices.Contains(impure, imported):
			problems = append(problems, fmt.Sprintf("%s imports %s: it is to be a function of its inputs", rel, imported))
		}
	}
	return problems
}

// ruleFor finds the line of the table that a package is held to.
func ruleFor(rel string) (owner string, ok bool) {
	if _, ok := mayImport[rel]; ok {
		return rel, true
	}
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if _, ok := mayImport[dir]; ok {
			return dir, dir != "reconcile" && dir != "controller"
		}
	}
	return "", false
}

// importAllowed tells whether a package held to owner's line may import to.
func importAllowed(owner, to string) bool {
	within := func(dir string) bool { return to == dir || strings.HasPrefix(to, dir+"/") }
	if owner == "cmd" {
		return slices.ContainsFunc(mayImport[owner], within)
	}
	inside := owner != "reconcile" && owner != "controller" && within(owner)
	return inside || slices.Contains(mayImport[owner], to)
}

func isPure(rel string) bool {
	return rel == "spec" || strings.HasPrefix(rel, "spec/") || rel == "reconcile" || strings.HasPrefix(rel, "reconcile/")
}

// checkNames finds every use of an impure name in a file, also where it is passed on without a call.
func checkNames(rel, name string, src []byte) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		return nil, err
	}
	imports := importNames(file)
	var problems []string
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && isImpureName(imports[x.Name], sel.Sel.Name) {
			problems = append(problems, fmt.Sprintf("%s/%s:%d uses %s.%s: it is to be a function of its inputs",
				rel, name, fset.Position(sel.Pos()).Line, imports[x.Name], sel.Sel.Name))
		}
		return true
	})
	return problems, nil
}

func isImpureName(imported, name string) bool {
	if only, ok := onlyNames[imported]; ok {
		return !slices.Contains(only, name)
	}
	return slices.Contains(impureNames[imported], name)
}

// importNames maps the name by which a file knows an import to the import's path.
func importNames(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has accepted it, so this cannot be
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	return names
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	var packages []goPackage
	dec := json.NewDecoder(bytes.NewReader(goList(t, "-e", "-json=Dir,ImportPath,Imports,GoFiles", "./...")))
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func goList(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}
