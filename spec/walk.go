package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/units"
	"go.yaml.in/yaml/v3"
)

// decode sets v from the node, and reports what does not fit. It is the only
// reader of typed fields, so that what was judged is what was decoded, and it
// reads plain scalars as YAML 1.2 does: "on" and "yes" are strings.
func (d *document) decode(n *yaml.Node, path string, v reflect.Value) {
	switch target := v.Addr().Interface().(type) {
	case **yaml.Node:
		*target = n
		d.places[path] = n
		return
	case *Verbatim:
		target.Node = n
		d.places[path] = n
		d.checkKeys(n, path, false)
		return
	case *Port:
		d.decodePort(n, path, target)
		return
	case *Size:
		d.decodeSize(n, path, target)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, path, v.Elem())
	case reflect.Struct:
		d.decodeStruct(n, path, v)
	case reflect.Slice:
		d.decodeSlice(n, path, v)
	case reflect.Map:
		d.decodeMap(n, path, v)
	case reflect.String:
		d.decodeString(n, path, v)
	case reflect.Bool:
		d.decodeBool(n, path, v)
	case reflect.Int, reflect.Uint64:
		d.decodeCount(n, path, v)
	default:
		panic(fmt.Sprintf("spec: no decoding of %s", v.Type()))
	}
}

func (d *document) decodeString(n *yaml.Node, path string, v reflect.Value) {
	switch {
	case isString(n):
		d.places[path] = n
		v.SetString(n.Value)
	case isNull(n):
		d.report(n, path, `must be a string, is empty; write "" for an empty one`)
	case n.Kind == yaml.ScalarNode:
		d.report(n, path, fmt.Sprintf("must be a string, is %s; %s", describe(n), quoted(path, n.Value)))
	default:
		d.report(n, path, fmt.Sprintf("must be a string, is %s; write a single value", describe(n)))
	}
}

func (d *document) decodeBool(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.report(n, path, fmt.Sprintf("must be true or false, is %s; write %s: true, or false, without quotes", describe(n), lastOf(path)))
		return
	}
	d.places[path] = n
	v.SetBool(strings.EqualFold(n.Value, "true"))
}

// decodeCount reads a whole number of zero or more, in decimal digits.
func (d *document) decodeCount(n *yaml.Node, path string, v reflect.Value) {
	number, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || number < 0 {
		d.report(n, path, "must be a whole number of zero or more, such as 1000, is "+describeValue(n))
		return
	}
	d.places[path] = n
	if v.CanUint() {
		v.SetUint(uint64(number))
	} else {
		v.SetInt(number)
	}
}

// decodeSize reads a number of bytes, with or without a unit.
func (d *document) decodeSize(n *yaml.Node, path string, s *Size) {
	if size, err := units.ParseBase2Bytes(n.Value); n.Kind != yaml.ScalarNode || err != nil || size < 0 {
		d.report(n, path, "must be a size with its unit, such as 10MB, is "+describeValue(n))
		return
	}
	d.places[path] = n
	*s = Size(n.Value)
}

// describeValue is, for fields that are no secrets, the value of a scalar as it stands, or what else a node is.
func describeValue(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.Value != "" {
		return strconv.Quote(n.Value)
	}
	return describe(n)
}

// quoted is the remedy for a scalar that is no string: quotes, unless the field
// is a duration, which a number in quotes is not either.
func quoted(path, value string) string {
	switch {
	case isEnvironment(path):
		return "put the variable's value in quotes"
	case secretWord.MatchString(path):
		return "put it in quotes"
	case strings.HasSuffix(path, "interval") || strings.HasSuffix(path, ".timeout"):
		return fmt.Sprintf("write a duration with its unit, such as %ss", value)
	}
	return fmt.Sprintf("put it in quotes: %q", value)
}

func (d *document) decodeSlice(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.report(n, path, fmt.Sprintf("must be a list, is %s; %s", describe(n), remedyForList(path)))
		return
	}
	d.places[path] = n
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, element := range n.Content {
		d.decode(element, index(path, i), v.Index(i))
	}
}

func (d *document) decodeMap(n *yaml.Node, path string, v reflect.Value) {
	if !d.mapping(n, path) {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	seen := make(map[string]int)
	for key, value := range Pairs(n) {
		if !d.key(key, path, join(path, key.Value), seen) {
			continue
		}
		if !isString(key) {
			d.report(key, join(path, key.Value), fmt.Sprintf("its name must be a string, is %s; put it in quotes: %q", describe(key), key.Value))
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(value, join(path, key.Value), element)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), element)
	}
}

// decodeStruct decodes a mapping. A field that is null is absent.
func (d *document) decodeStruct(n *yaml.Node, path string, v reflect.Value) {
	if !d.mapping(n, path) {
		return
	}
	fields := d.known.of(v.Type())
	seen := make(map[string]int)
	given := make(map[string]bool)
	for key, value := range Pairs(n) {
		if !d.key(key, path, join(path, key.Value), seen) {
			continue
		}
		f, ok := fields.byName[key.Value]
		if !ok {
			d.report(key, join(path, key.Value), "unknown field; "+suggest(key.Value, fields.names()))
			given[nearest(key.Value, fields.names())] = true // misspelt, not missing
			continue
		}
		if !isNull(value) {
			given[f.name] = true
			d.decode(value, join(path, f.name), v.Field(f.index))
		}
	}
	for _, f := range fields.list {
		if f.required && !given[f.name] {
			d.report(n, join(path, f.name), "required, and missing; "+remedyForMissing(join(path, f.name)))
		}
	}
}

// mapping says whether the node is one; if not, that is reported.
func (d *document) mapping(n *yaml.Node, path string) bool {
	if n.Kind != yaml.MappingNode {
		d.report(n, path, fmt.Sprintf("must be a mapping, is %s; %s", describe(n), remedyForMapping(path)))
		return false
	}
	d.places[path] = n
	return true
}

// key says whether the key may be used: a scalar not seen before in its mapping,
// which is at path; at is the place of its value. seen holds the line of each key.
func (d *document) key(key *yaml.Node, path, at string, seen map[string]int) bool {
	if key.Kind != yaml.ScalarNode {
		d.report(key, path, fmt.Sprintf("a field's name must be a string, is %s; if this is a template, render it first", describe(key)))
		return false
	}
	if line, again := seen[key.Value]; again {
		d.report(key, at, fmt.Sprintf("duplicate field, already on line %d; remove one", line))
		return false
	}
	seen[key.Value] = key.Line
	return true
}

// checkKeys reports duplicate and odd keys in what is Prometheus's. Where hidden,
// all of n is a secret, and not even its keys are shown.
func (d *document) checkKeys(n *yaml.Node, path string, hidden bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, element := range n.Content {
			d.checkKeys(element, index(path, i), hidden)
		}
	case yaml.MappingNode:
		seen := make(map[string]int)
		for key, value := range Pairs(n) {
			at := path
			if !hidden {
				at = join(path, key.Value)
			}
			if d.key(key, path, at, seen) {
				d.checkKeys(value, at, hidden || slices.Contains(secretKeys(), key.Value))
			}
		}
	}
}
