package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// knowledge is what one release knows. A field's kind is the type that is below
// it, "-" where nothing is that has fields of Prometheus; a list of them begins
// with [], and a mapping whose keys are the user's with {}. The field "*" is any
// name that the user likes.
type knowledge struct {
	release  string                       // the minor release
	types    map[string]map[string]string // kinds by type and field
	enums    map[string][]string          // values by type
	features []string
	promQL   map[string][]string // names by list

	src *source
	sd  map[string]string // kinds of the discoveries' fields
}

// Roots of what is carried as it is written.
const (
	configType = "config.Config"
	rulesType  = "rulefmt.RuleGroups"
)

const leaf = "-"

// discoveries are the packages of the discoveries that ecs-scrape is built with.
func discoveries() []string {
	return []string{"aws", "consul", "dns", "file", "http"}
}

// leaves are structs without fields of their own in YAML.
func leaves() []string {
	return []string{"common/config.URL", "labels.Labels", "relabel.Regexp", "common/model.LabelSet"}
}

func (m *modules) knowledge(version string) (*knowledge, error) {
	src, err := m.source(version)
	if err != nil {
		return nil, err
	}
	return src.knowledge(version)
}

func (s *source) knowledge(version string) (*knowledge, error) {
	k := &knowledge{
		release: minor(version), src: s,
		types: map[string]map[string]string{"targetgroup.Group": {"targets": leaf, "labels": leaf}}, // decoded by its own code
		enums: map[string][]string{},
		sd:    map[string]string{"static_configs": "[]targetgroup.Group"},
	}
	for _, name := range discoveries() {
		if err := k.discovery(name); err != nil {
			return nil, err
		}
	}
	for root, path := range map[string]string{"Config": "/config", "RuleGroups": "/model/rulefmt"} {
		if _, err := k.named(prometheusModule+path, root); err != nil {
			return nil, err
		}
	}
	var err error
	if k.features, err = s.features(); err != nil {
		return nil, err
	}
	k.promQL, err = s.promQL()
	return k, err
}

// discovery notes the fields that a package registers: NAME_sd_configs.
func (k *knowledge) discovery(name string) error {
	p, err := k.src.pkg(prometheusModule + "/discovery/" + name)
	if err != nil {
		return err
	}
	for _, t := range registered(p) {
		kind, err := k.named(p.path, t)
		if err != nil {
			return err
		}
		field := returned(p, t, "Name")
		if field == "" {
			return fmt.Errorf("the discovery %s.%s has no name", p.path, t)
		}
		k.sd[field+"_sd_configs"] = "[]" + kind
	}
	return nil
}

// named is the kind of a named type.
func (k *knowledge) named(path, name string) (string, error) {
	p, err := k.src.pkg(path)
	if err != nil || p == nil {
		return leaf, err
	}
	decl, ok := p.types[name]
	key := typeName(path, name)
	switch {
	case !ok:
		return "", fmt.Errorf("no type %s in %s", name, path)
	case slices.Contains(leaves(), key):
		return leaf, nil
	case k.types[key] != nil:
		return key, nil
	}
	switch t := decl.spec.Type.(type) {
	case *ast.StructType:
		return k.structure(key, decl, t)
	case *ast.Ident:
		if values := constants(p, name); t.Name == "string" && len(values) > 0 {
			k.enums[key] = values
			return "=" + key, nil
		}
	}
	return k.kind(decl, decl.spec.Type)
}

// typeName is short, and the same wherever a type has moved to.
func typeName(path, name string) string {
	path = strings.TrimPrefix(path, prometheusModule+"/")
	path = strings.TrimPrefix(path, "github.com/prometheus/")
	for _, folder := range []string{"model/", "storage/remote/", "client_golang/exp/api/"} {
		path = strings.TrimPrefix(path, folder)
	}
	switch key := path + "." + name; key {
	case "common/sigv4.SigV4Config":
		return "sigv4.SigV4Config"
	case "discovery/aws.EC2Filter":
		return "discovery/aws.Filter"
	case "config.RemoteWriteProtoMsg":
		return "remote.WriteMessageType"
	case "config.translationStrategyOption":
		return "otlptranslator.TranslationStrategyOption"
	case "rulefmt.RuleNode":
		return "rulefmt.Rule"
	case "discovery/targetgroup.Group":
		return "targetgroup.Group"
	default:
		return key
	}
}

// structure notes a struct's fields, and those of structs within it.
func (k *knowledge) structure(key string, decl typeDecl, t *ast.StructType) (string, error) {
	fields := map[string]string{}
	k.types[key] = fields
	for _, f := range t.Fields.List {
		if err := k.field(fields, decl, f); err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
	}
	return key, nil
}

func (k *knowledge) field(fields map[string]string, decl typeDecl, f *ast.Field) error {
	name, options, _ := strings.Cut(reflect.StructTag(text(f.Tag)).Get("yaml"), ",")
	if s, ok := f.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Configs" && name == "-" {
		maps.Copy(fields, k.sd)
		return nil
	}
	if name == "-" || len(f.Names) > 0 && !f.Names[0].IsExported() {
		return nil
	}
	kind, err := k.kind(decl, f.Type)
	switch {
	case err != nil:
		return err
	case slices.Contains(strings.Split(options, ","), "inline"):
		return k.inline(fields, kind)
	case name != "":
		fields[name] = kind
	case len(f.Names) == 0:
		return errors.New("an embedded struct that is not inline")
	default:
		fields[strings.ToLower(f.Names[0].Name)] = kind // as yaml does
	}
	return nil
}

func (k *knowledge) inline(fields map[string]string, kind string) error {
	if element, ok := strings.CutPrefix(kind, "{}"); ok {
		fields["*"] = element
		return nil
	}
	inner := k.types[kind]
	if inner == nil {
		return fmt.Errorf("nothing known of what is inline: %s", kind)
	}
	maps.Copy(fields, inner)
	return nil
}

// kind is that of a type as it is written in a declaration.
func (k *knowledge) kind(decl typeDecl, expr ast.Expr) (string, error) {
	switch t := expr.(type) {
	case *ast.StarExpr:
		return k.kind(decl, t.X)
	case *ast.ArrayType:
		kind, err := k.kind(decl, t.Elt)
		return within("[]", kind), err
	case *ast.MapType:
		kind, err := k.kind(decl, t.Value)
		return within("{}", kind), err
	case *ast.SelectorExpr:
		return k.named(imported(decl.file, t.X.(*ast.Ident).Name), t.Sel.Name)
	case *ast.Ident:
		if _, ok := decl.pkg.types[t.Name]; ok {
			return k.named(decl.pkg.path, t.Name)
		}
		return leaf, nil // of the language
	case *ast.InterfaceType:
		return leaf, nil
	}
	return "", fmt.Errorf("a type of a kind that is not read: %T", expr)
}

// within is a list or a mapping of a kind; one of plain values is a leaf, and a
// mapping of them has keys of the user's own.
func within(outer, kind string) string {
	if kind == leaf || kind == "" {
		return kind
	}
	return outer + kind
}

// constants are the texts that a package names as values of a type, sorted.
func constants(p *pkg, name string) []string {
	var out []string
	for _, file := range p.files {
		for _, d := range file.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST && decl.Tok != token.VAR {
				continue
			}
			for _, s := range decl.Specs {
				v := s.(*ast.ValueSpec)
				if t, ok := v.Type.(*ast.Ident); ok && t.Name == name && len(v.Values) == 1 {
					if lit, ok := v.Values[0].(*ast.BasicLit); ok && text(lit) != "" {
						out = append(out, text(lit))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
