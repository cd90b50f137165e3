package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/yamltree"
)

// decoder fills structs from YAML nodes. The library's own strict decoder stops at the first
// fault and expands aliases; this one goes on, and a file with aliases is refused.
type decoder struct {
	name     string
	lines    map[string]int // path of a value, such as environments.staging.driver, to its line
	faults   []error
	readable bool // the file was YAML: checking its values makes sense
}

// deepest is how deep a file may nest; the configuration itself needs five.
const deepest = 32

func (d *decoder) fault(line int, next, format string, args ...any) {
	d.faults = append(d.faults, fault.BadInput(fmt.Sprintf("%s:%d: ", d.name, line)+fmt.Sprintf(format, args...), next))
}

// at tells a fault of the value at path.
func (d *decoder) at(path, next, format string, args ...any) {
	d.fault(d.line(path), next, path+": "+format, args...)
}

// line returns the line of the value at path, or of the nearest part of the file that holds it.
func (d *decoder) line(path string) int {
	for path != "" {
		if n, ok := d.lines[path]; ok {
			return n
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 1
}

func (d *decoder) read(data []byte, cfg *Config) {
	tokens := lexer.Tokenize(string(data))
	if line := yamltree.TooDeep(tokens, deepest); line > 0 {
		d.fault(line, "write it as the schema shows", "nested more than %d levels deep", deepest)
		return
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	d.readable = len(bodies) < 2
	if !d.readable {
		d.fault(line(bodies[1]), "keep one", "the file holds %d documents", len(bodies))
	} else if len(bodies) == 1 {
		d.value(bodies[0], reflect.ValueOf(cfg).Elem(), "")
	}
}

func (d *decoder) syntax(err error) {
	at, message := 1, err.Error()
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		message = syntax.Message
		if syntax.Token != nil && syntax.Token.Position != nil {
			at = syntax.Token.Position.Line
		}
	}
	d.fault(at, "write it as the schema shows", "no valid YAML: %s", message)
}

func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	if path != "" {
		d.lines[path] = line(n)
	}
	switch n.Type() {
	case ast.NullType:
		return
	case ast.AnchorType, ast.AliasType, ast.MergeKeyType, ast.TagType:
		d.fault(line(n), "write the value out", "%sanchors, aliases, merge keys and tags are not read", prefix(path))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		if short, ok := v.Addr().Interface().(interface{ Short(string) }); ok && isScalar(n) {
			short.Short(n.GetToken().Value)
			return
		}
		d.mapping(n, path, "a mapping", func(key string, at int, value ast.Node) { d.field(key, at, value, v, path) })
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		d.mapping(n, path, "a mapping of names", func(key string, _ int, value ast.Node) {
			element := reflect.New(v.Type().Elem()).Elem()
			d.value(value, element, join(path, key))
			v.SetMapIndex(reflect.ValueOf(key), element)
		})
	case reflect.Slice:
		d.sequence(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

func isScalar(n ast.Node) bool {
	_, ok := n.(ast.ScalarNode)
	return ok
}

// mapping calls each once per key.
func (d *decoder) mapping(n ast.Node, path, want string, each func(key string, line int, value ast.Node)) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		d.fault(line(n), "write it as the schema shows", "%sneeds %s", prefix(path), want)
		return
	}
	seen := map[string]bool{}
	for _, pair := range pairs {
		switch key := pair.Key.(type) {
		case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			word := key.GetToken().Value
			if seen[word] {
				d.fault(line(key), "keep one", "%skey %q stands twice", prefix(path), word)
				continue
			}
			seen[word] = true
			each(word, line(key), pair.Value)
		default:
			d.fault(line(pair.Key), "write the value out", "%sa key has to be a plain word", prefix(path))
		}
	}
}

func (d *decoder) field(key string, at int, n ast.Node, v reflect.Value, path string) {
	var known []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		if name == key {
			d.value(n, v.Field(i), join(path, key))
			d.lines[join(path, key)] = at
			return
		}
		known = append(known, name)
	}
	next := "no key is known here yet"
	if near := fault.Near(key, known); near != "" {
		next = fmt.Sprintf("did you mean %q?", near)
	} else if len(known) > 0 {
		next = "known are " + strings.Join(known, ", ")
	}
	d.fault(at, next, "%sunknown key %q", prefix(path), key)
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fault(line(n), "write it as the schema shows", "%s: needs a list", path)
		return
	}
	for i, item := range seq.Values {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(item, element, fmt.Sprintf("%s[%d]", path, i))
		v.Set(reflect.Append(v, element))
	}
}

// scalar takes the text as it stands in the file: 3.10 is a version, not the number 3.1.
func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) {
	var text string
	switch n := n.(type) {
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.StringNode:
		text = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		text = n.GetToken().Value
	default:
		d.fault(line(n), "write it as the schema shows", "%s: needs a single value", path)
		return
	}
	if v.Kind() == reflect.String {
		v.SetString(text)
		return
	}
	number, err := strconv.Atoi(text)
	if err != nil || n.Type() != ast.IntegerType {
		d.fault(line(n), "write it like 8080", "%s: %q is no whole number", path, text)
		return
	}
	v.SetInt(int64(number))
}

func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}
