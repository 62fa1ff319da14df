package spec

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestSchema keeps the schema in step with the types, and every field described.
func TestSchema(t *testing.T) {
	b := &schemaBuilder{t: t, docs: docsOf(t, "types.go"), known: make(fieldTable)}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(b.document()); err != nil {
		t.Fatal(err)
	}
	for key := range schemaRules() {
		if !b.used[key] {
			t.Errorf("the rule for %s is of no field", key)
		}
	}
	for _, name := range []string{"schema.json", "../docs/ecs-scrape.schema.json"} {
		if *update {
			if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(out.String(), string(read(t, name).Data)); diff != "" {
			t.Errorf("run `make generate`: %s (-want +got)\n%s", name, diff)
		}
	}
}

// object is a JSON object of the schema.
type object = map[string]any

// schemaBuilder makes schemas of types. docs are comments by "Type" and "Type.Field".
type schemaBuilder struct {
	t     *testing.T
	docs  map[string]string
	known fieldTable
	used  map[string]bool
}

func (b *schemaBuilder) document() object {
	return object{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "ecs-scrape",
		"description": "A document of ecs-scrape: a ScrapeTarget, a PrometheusConfig or a PrometheusRule; a PrometheusRule of the Prometheus Operator; or a rule file of Prometheus.",
		"type":        "object",
		"properties": object{
			"apiVersion": object{"enum": []string{APIVersion, operatorVersion}, "description": "The version of the kinds."},
			"kind":       object{"enum": kinds(), "description": "What the document is."},
		},
		"if":   object{"anyOf": []any{object{"required": []string{"apiVersion"}}, object{"required": []string{"kind"}}}},
		"then": object{"required": []string{"apiVersion", "kind", "metadata"}, "if": is("apiVersion", operatorVersion), "then": b.operator(), "else": b.ours()},
		"else": object{
			"required": []string{"groups"}, "additionalProperties": false,
			"properties": object{"groups": object{"type": []string{"array", "null"}, "items": object{"type": "object"}, "description": "Rule groups of a plain rule file."}},
		},
	}
}

// is a condition: the field has the value.
func is(field, value string) object {
	return object{"properties": object{field: object{"const": value}}, "required": []string{field}}
}

func (b *schemaBuilder) ours() object {
	var all []any
	for _, kind := range kinds() {
		spec := map[string]reflect.Type{
			KindScrapeTarget:     reflect.TypeFor[ScrapeTargetSpec](),
			KindPrometheusConfig: reflect.TypeFor[PrometheusConfigSpec](),
			KindPrometheusRule:   reflect.TypeFor[PrometheusRuleSpec](),
		}[kind]
		all = append(all, object{"if": is("kind", kind), "then": object{
			"required": []string{"spec"}, "additionalProperties": false,
			"properties": object{"apiVersion": object{"const": APIVersion}, "kind": object{}, "metadata": b.of(reflect.TypeFor[Metadata]()), "spec": b.of(spec)},
		}})
	}
	return object{"allOf": all}
}

func (b *schemaBuilder) operator() object {
	return object{
		"required": []string{"spec"}, "additionalProperties": false,
		"properties": object{
			"apiVersion": object{}, "kind": object{"const": KindPrometheusRule}, "status": object{},
			"metadata": b.of(reflect.TypeFor[operatorMetadata]()), "spec": b.of(reflect.TypeFor[operatorRuleSpec]()),
		},
	}
}

func (b *schemaBuilder) of(typ reflect.Type) object {
	switch typ {
	case reflect.TypeFor[Verbatim]():
		return object{"type": "object"}
	case reflect.TypeFor[*yaml.Node]():
		return object{}
	case reflect.TypeFor[Port]():
		return object{"type": []string{"string", "integer"}, "minimum": 1, "maximum": 65535, "pattern": "^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]|.*[^0-9].*)$"}
	case reflect.TypeFor[Size]():
		return object{"type": []string{"string", "integer"}, "minimum": 0, "maximum": 0, "pattern": `^(0|([0-9]+(\.[0-9]*)?([KMGTPE]i?)?B)+)$`}
	case reflect.TypeFor[metav1.LabelSelector]():
		return b.kubernetesSelector()
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return b.of(typ.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": b.of(typ.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": b.of(typ.Elem())}
	case reflect.Struct:
		return b.structOf(typ)
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	}
	b.t.Fatalf("no schema of %s", typ)
	return nil
}

func (b *schemaBuilder) structOf(typ reflect.Type) object {
	properties := object{}
	var required []string
	fields := b.known.of(typ)
	for _, f := range fields.list {
		field := typ.Field(f.index)
		s := b.of(field.Type)
		if text := b.describe(typ, f.index); text != "" {
			s["description"] = text
		}
		b.rule(s, typ.Name()+"."+f.name)
		if items, ok := s["items"].(object); ok {
			b.rule(items, typ.Name()+"."+f.name+"[]")
		}
		if f.required {
			required = append(required, f.name)
		} else {
			orNull(s)
		}
		properties[f.name] = s
	}
	out := object{"type": "object", "additionalProperties": false, "properties": properties}
	if text := b.docs[typ.Name()]; text != "" {
		out["description"] = b.jsonNames(typ, text)
	}
	if len(required) > 0 {
		out["required"] = required
	}
	b.rule(out, typ.Name())
	return out
}

// rule lays over a schema what is known beyond the Go type.
func (b *schemaBuilder) rule(s object, key string) {
	if rule, ok := schemaRules()[key]; ok {
		maps.Copy(s, rule)
		if b.used == nil {
			b.used = make(map[string]bool)
		}
		b.used[key] = true
	}
}

// orNull lets an optional field be left empty.
func orNull(s object) {
	switch typ := s["type"].(type) {
	case string:
		s["type"] = []string{typ, "null"}
	case []string:
		s["type"] = append(slices.Clone(typ), "null")
	}
	if choices, ok := s["enum"].([]any); ok {
		s["enum"] = append(slices.Clone(choices), nil)
	}
}

// kubernetesSelector is a LabelSelector with the keys and values that Kubernetes
// allows.
func (b *schemaBuilder) kubernetesSelector() object {
	s := b.of(reflect.TypeFor[LabelSelector]())
	s["description"] = "A Kubernetes label selector over metadata.labels."
	properties := s["properties"].(object)
	maps.Copy(properties["matchLabels"].(object), kubernetesLabels())
	items := properties["matchExpressions"].(object)["items"].(object)
	items["properties"].(object)["key"].(object)["pattern"] = labelKeyPattern
	return s
}

const (
	dnsLabelPattern   = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	labelKeyPattern   = `^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`
	labelValuePattern = `^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`
	durationPattern   = `^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$`
)

func kubernetesLabels() object {
	return object{
		"propertyNames":        object{"pattern": labelKeyPattern},
		"additionalProperties": object{"type": "string", "pattern": labelValuePattern, "maxLength": 63},
	}
}

func choice[T any](choices ...T) object {
	var all []any
	for _, c := range choices {
		all = append(all, c)
	}
	return object{"enum": all}
}

// without is an object that has none of the keys.
func without(keys string) object {
	return object{"propertyNames": object{"not": object{"pattern": "^(" + keys + ")$"}}}
}

// given is an object in which the field is there and, if it is a list or text,
// not empty.
func given(field string, types ...string) object {
	return object{"required": []string{field}, "properties": object{field: object{"type": types, "minLength": 1, "minItems": 1}}}
}

// schemaRules are what Decode judges beyond Go types, by "Type", "Type.field"
// and, for what a list holds, "Type.field[]".
func schemaRules() map[string]object {
	name := object{"pattern": dnsLabelPattern, "maxLength": 63}
	notEmpty := object{"minLength": 1}
	discovery := "static_configs|.*_sd_configs"
	labels := object{"propertyNames": object{"minLength": 1, "not": object{"pattern": "^(job$|__)"}}}
	duration := object{"pattern": durationPattern}
	return map[string]object{
		"Metadata.name":                        name,
		"Metadata.labels":                      kubernetesLabels(),
		"operatorMetadata.name":                {"pattern": `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`, "maxLength": 250},
		"operatorMetadata.namespace":           {"pattern": `^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`, "maxLength": 63},
		"operatorMetadata.labels":              kubernetesLabels(),
		"operatorRuleSpec.groups":              {"type": "array", "items": object{"type": "object"}, "description": "Rule groups, as in a rule file."},
		"ScrapeTargetSpec":                     {"oneOf": []any{given("endpoints", "array"), given("convention", "string")}},
		"ScrapeTargetSpec.convention":          choice(append([]string{""}, conventions...)...),
		"ScrapeTargetSpec.scrapeClass":         {"pattern": `^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`, "maxLength": 63},
		"ScrapeTargetSpec.labels":              labels,
		"ScrapeTargetSpec.labelsFrom":          labels,
		"ScrapeTargetSpec.relabelConfigs":      {"type": "array", "items": object{"type": "object"}},
		"ScrapeTargetSpec.scrapeConfig":        without("job_name|relabel_configs|" + discovery),
		"Selector.accounts[]":                  {"pattern": "^[0-9]{12}$"},
		"Selector.regions[]":                   notEmpty,
		"Selector.availabilityZones[]":         notEmpty,
		"Selector.clusters[]":                  notEmpty,
		"Selector.services[]":                  notEmpty,
		"Selector.families[]":                  notEmpty,
		"Selector.containers[]":                notEmpty,
		"Selector.launchTypes[]":               choice(launchTypes...),
		"Selector.healthStatus[]":              choice(healthStatuses...),
		"LabelSelector.matchLabels":            {"propertyNames": notEmpty},
		"Requirement.key":                      notEmpty,
		"Requirement.operator":                 choice(operators()...),
		"Requirement":                          {"if": object{"properties": object{"operator": choice(OperatorIn, OperatorNotIn)}}, "then": given("values", "array"), "else": object{"properties": object{"values": object{"maxItems": 0}}}},
		"Endpoint":                             {"anyOf": []any{given("port", "string", "integer"), given("portFrom", "object")}},
		"Endpoint.path":                        {"pattern": `^(/[^?#\s]*)?$`},
		"Endpoint.scheme":                      choice("", "http", "https"),
		"Endpoint.interval":                    duration,
		"Endpoint.timeout":                     duration,
		"Endpoint.params":                      {"propertyNames": object{"pattern": plainName.String()}, "additionalProperties": object{"type": "array", "items": object{"type": "string"}, "minItems": 1, "maxItems": 1}},
		"ValueSource":                          {"oneOf": []any{given("environment", "string"), given("dockerLabel", "string")}},
		"LabelSource":                          {"oneOf": []any{given("taskTag", "string"), given("serviceTag", "string"), given("dockerLabel", "string"), given("environment", "string"), given("meta", "string")}},
		"LabelSource.meta":                     {"pattern": "^" + metaLabel + "."},
		"PrometheusConfigSpec.config":          without("rule_files|scrape_config_files"),
		"PrometheusConfigSpec.defaultLabels[]": choice(defaultLabels...),
		"PrometheusConfigSpec.ipFamily":        choice(append([]string{""}, ipFamilies...)...),
		"PrometheusVersion.version":            {"pattern": `^([0-9]+\.[0-9]+(\.[0-9]+)?)?$`},
		"PrometheusVersion.features[]":         {"pattern": featureName.String()},
		"Alertmanager.name":                    name,
		"Alertmanager.config":                  without(discovery),
		"Enforced.min_interval":                duration,
		"ECSSource.region":                     notEmpty,
		"ECSSource.roleARN":                    {"pattern": "^$|" + roleARN.String()},
		"ECSSource.clusters[]":                 notEmpty,
		"ECSSource.eventsQueue":                {"pattern": "^$|" + queueURL.String()},
		"ScrapeClass.name":                     name,
		"ScrapeClass.scrapeConfig":             without("job_name|target_limit|" + discovery),
		"PrometheusRuleSpec.groups":            {"type": "array", "items": object{"type": "object"}},
	}
}

// describe is the comment of a field: its own, or the one above that names it,
// or that of its type.
func (b *schemaBuilder) describe(typ reflect.Type, i int) string {
	if !ast.IsExported(typ.Name()) {
		return ""
	}
	field := typ.Field(i)
	text := b.docs[typ.Name()+"."+field.Name]
	for above := i - 1; above >= 0 && text == ""; above-- {
		if doc := b.docs[typ.Name()+"."+typ.Field(above).Name]; doc != "" {
			if slices.Contains(strings.FieldsFunc(doc, notLetter), field.Name) {
				text = doc
			}
			break
		}
	}
	if text != "" {
		return b.jsonNames(typ, text)
	}
	element := field.Type
	for element.Kind() == reflect.Pointer || element.Kind() == reflect.Slice {
		element = element.Elem()
	}
	text = b.docs[element.Name()]
	if text == "" {
		b.t.Errorf("%s.%s has no comment to describe it by", typ.Name(), field.Name)
		return ""
	}
	return b.jsonNames(element, text)
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }

var word = regexp.MustCompile(`[A-Za-z]+`)

// jsonNames spells the fields of a type, and the kinds, as documents do. A
// field that has the name of a program is meant only at the beginning.
func (b *schemaBuilder) jsonNames(typ reflect.Type, text string) string {
	if typ.Kind() != reflect.Struct {
		return text
	}
	first := true
	return word.ReplaceAllStringFunc(text, func(w string) string {
		program := !first && (w == "ECS" || w == "Prometheus")
		first = false
		if kind := strings.TrimSuffix(w, "Spec"); slices.Contains(kinds(), kind) {
			return kind
		}
		if f, ok := typ.FieldByName(w); ok && !program {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				return name
			}
		}
		return w
	})
}

// docsOf are the comments of a file's types and their fields.
func docsOf(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	docs := make(map[string]string)
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		typ := types.Specs[0].(*ast.TypeSpec)
		docs[typ.Name.Name] = oneLine(types.Doc)
		if s, ok := typ.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				docs[typ.Name.Name+"."+f.Names[0].Name] = oneLine(f.Doc)
			}
		}
	}
	return docs
}

func oneLine(doc *ast.CommentGroup) string {
	return strings.Join(strings.Fields(doc.Text()), " ")
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// values are a file's documents as an editor hands them to the schema; parsed is
// false where one does not parse.
func values(f File) (all []any, parsed bool) {
	for _, c := range split(f.Data) {
		d := &document{input: &input{file: f.Name}}
		root := d.parse(c.data)
		if len(d.problems) > 0 {
			return nil, false
		}
		if root != nil {
			all = append(all, value(root))
		}
	}
	return all, true
}

func value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := object{}
		for key, v := range Pairs(n) {
			out[key.Value] = value(v)
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, v := range n.Content {
			out = append(out, value(v))
		}
		return out
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		var number any
		if n.Decode(&number) == nil {
			return number
		}
	}
	return n.Value
}

// TestSchemaTakesGood: whatever is shown to users is valid.
func TestSchemaTakesGood(t *testing.T) {
	compiled := compileSchema(t)
	files := 0
	for _, pattern := range []string{"testdata/*.good.*", "../examples/*/specs/*", "../cmd/ecs-sim/demospecs/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			if info, err := os.Stat(name); err != nil || info.IsDir() {
				continue
			}
			files++
			all, parsed := values(read(t, name))
			if !parsed {
				t.Errorf("%s does not parse", name)
			}
			for _, v := range all {
				if err := compiled.Validate(v); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	if files < 20 {
		t.Errorf("%d files, want all of the examples", files)
	}
}

// beyondSchema are the faults that no schema finds: what depends on other
// fields, on names within what is Prometheus's, or on how it is written.
var beyondSchema = []string{
	"alertmanager-relative-file",
	"alertmanager-twice",
	"class-secret-name",
	"class-secret-path",
	"class-twice",
	"config-job-reserved",
	"config-job-twice",
	"config-relative-file",
	"config-relative-header",
	"config-template",
	"duplicate-spec-field",
	"duplicate-verbatim-field",
	"glob-open",
	"interval-zero",
	"label-name-number",
	"port-hexadecimal",
	"port-leading-zero",
	"rule-file-twice",
	"rule-operator-long-name",
	"target-file",
	"target-secret-reference",
	"target-secret",
	"timeout-above-interval",
}

// TestSchemaRefusesBad: an editor shows all faults but those.
func TestSchemaRefusesBad(t *testing.T) {
	compiled := compileSchema(t)
	var taken []string
	for _, f := range fixtures(t, "*.bad.yml") {
		all, parsed := values(f)
		if !parsed {
			continue
		}
		refused := false
		for _, v := range all {
			refused = refused || compiled.Validate(v) != nil
		}
		if !refused {
			taken = append(taken, strings.TrimSuffix(f.Name, ".bad.yml"))
		}
	}
	if diff := cmp.Diff(beyondSchema, taken); diff != "" {
		t.Errorf("faults that the schema does not find (-want +got):\n%s", diff)
	}
}
