package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"ecs-scrape/controller"
)

const statusIntroduction = `# The status document

One JSON document tells how everything stands. It is the same in three places:

- HTTP: ` + "`/api/v1/status`" + ` of the running controller, with all targets, or, with ` + "`?targets=false`" + `, without them;
- the file ` + "`.state/status.json`" + ` of the output directory, without targets, at most every two seconds and at least once a minute;
- if ` + "`--status.s3 s3://BUCKET/KEY`" + ` asks for it, that object, without targets, at most every ten seconds and at least once a minute.

[` + "`ecs-scrape status`" + `](operations.md#status) shows it. A ` + "`time`" + ` of more than two minutes ago is of a controller that hangs, is gone, or cannot write. Lists are never null; other fields may be left out where they are empty. Times are in RFC 3339, UTC.
`

// statusPage has a row for each field, in the words of the code.
func statusPage(t *testing.T) string {
	t.Helper()
	p := &statusFields{t: t, comments: map[string]map[string]string{}, seen: map[reflect.Type]bool{}}
	p.describe(reflect.TypeFor[controller.Status](), "The document")
	return generated + statusIntroduction + p.text.String()
}

// plainFields are the names that mean the same wherever they stand.
var plainFields = map[string]string{
	"kind": "of the object", "name": "of the object", "object": "the object that it is about", "type": "`Accepted`, `Ready` or `Stale`",
	"file": "relative to the place of the specs", "line": "from 1", "column": "from 1", "code": "see [findings](findings.md)", "container": "its name",
	"account": "the AWS account", "region": "the AWS region", "cluster": "the ECS cluster", "scope": "the cluster", "source": "what the PrometheusConfig or the flags say",
	"since": "since when", "reason": "why", "state": "`unsynced`, `synced`, `stale` or `gone`", "working": "whether they arrive",
	"roleARN": "the role that is assumed", "externalID": "given with the role",
}

// statusFields writes a table for each type of the document.
type statusFields struct {
	t        *testing.T
	text     strings.Builder
	comments map[string]map[string]string // by directory, then Type.Field
	seen     map[reflect.Type]bool
}

func (p *statusFields) describe(of reflect.Type, title string) {
	p.t.Helper()
	if p.seen[of] {
		return
	}
	p.seen[of] = true
	fmt.Fprintf(&p.text, "\n## %s\n\n| field | type | meaning |\n| --- | --- | --- |\n", title)
	var below []reflect.StructField
	p.rows(of, &below)
	for _, f := range below {
		p.describe(inner(f.Type), "`"+jsonName(f)+"`")
	}
}

// rows writes those of a type, and of what is embedded in it.
func (p *statusFields) rows(of reflect.Type, below *[]reflect.StructField) {
	p.t.Helper()
	for f := range of.Fields() {
		name := jsonName(f)
		switch {
		case f.Anonymous && f.Tag.Get("json") == "":
			p.rows(f.Type, below)
			continue
		case name == "" || name == "-" || !f.IsExported():
			continue
		}
		meaning := cmp.Or(p.comment(of, f.Name), plainFields[name])
		if rest, named := strings.CutPrefix(meaning, f.Name+" "); named {
			meaning = code(name) + " " + rest
		}
		if meaning == "" {
			p.t.Errorf("%s.%s says nothing of its meaning", of, f.Name)
		}
		kind, structured := kindOf(f.Type)
		p.text.WriteString(row(code(name), kind, cell(meaning)))
		if structured {
			*below = append(*below, f)
		}
	}
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func inner(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// kindOf names a type in words of JSON, and says whether it has fields of its own.
func kindOf(t reflect.Type) (kind string, structured bool) {
	marshals := t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[interface{ MarshalText() ([]byte, error) }]())
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time", false
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem())
	case t.Kind() == reflect.Slice:
		kind, structured = kindOf(t.Elem())
		return "list of " + kind + "s", structured
	case t.Kind() == reflect.Map, t.Name() == "Labels":
		return "object of strings", false
	case t.Kind() == reflect.Struct:
		return "object", true
	case marshals || t.Kind() == reflect.String:
		return "string", false
	case t.Kind() == reflect.Bool:
		return "boolean", false
	}
	return "number", false
}

// comment is what the code says of a field.
func (p *statusFields) comment(of reflect.Type, field string) string {
	p.t.Helper()
	dir := filepath.Join(moduleDir, strings.TrimPrefix(of.PkgPath(), "ecs-scrape/"))
	if p.comments[dir] == nil {
		p.comments[dir] = fieldComments(p.t, dir)
	}
	return p.comments[dir][of.Name()+"."+field]
}

// fieldComments are those of the fields of a package's types, by Type.Field.
func fieldComments(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	must(t, err)
	out := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					text := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
					for _, id := range f.Names {
						out[spec.Name.Name+"."+id.Name] = text
					}
				}
			}
			return false
		})
	}
	return out
}
