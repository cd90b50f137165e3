// Package yamltree reads other people's YAML as a tree with lines: bounded in depth, duplicate keys
// and anchors allowed, nothing decoded into types. There 3.10 stays what it is written as.
package yamltree

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Deepest is how deep a file may nest.
const Deepest = 100

// Error says why a file is no YAML that is read.
type Error struct {
	Line int // 1-based
	Why  string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Why) }

// Parse returns the documents of a file. The error is an *Error.
func Parse(data []byte) (docs []ast.Node, err error) {
	defer func() { // the library's lexer is written for files of good will
		if p := recover(); p != nil {
			docs, err = nil, &Error{Line: 1, Why: "no valid YAML"}
		}
	}()
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, &Error{Line: 1, Why: "no text"}
	}
	tokens := lexer.Tokenize(string(data))
	if line := TooDeep(tokens, Deepest); line > 0 {
		return nil, &Error{Line: line, Why: fmt.Sprintf("nested more than %d levels deep", Deepest)}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		out := &Error{Line: 1, Why: "no valid YAML"}
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
			out.Line = syntax.Token.Position.Line
		}
		return nil, out
	}
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d.Body)
		}
	}
	return docs, nil
}

// TooDeep returns the line where nesting passes the limit, 0 when it does not. The parser calls
// itself per level, and a stack that runs over cannot be caught.
func TooDeep(tokens token.Tokens, deepest int) int {
	flow, block, at := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != at {
			block, at = 0, t.Position.Line
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			block++
		}
		// Blocks nest by a line each, indented further, or several on one line.
		if flow+block > deepest || t.Position.Column > 1000 && t.Type == token.SequenceEntryType {
			return t.Position.Line
		}
	}
	return 0
}

// plain takes anchors and tags off a node.
func plain(n ast.Node) ast.Node {
	for range Deepest {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.TagNode:
			n = v.Value
		default:
			return n
		}
	}
	return n
}

// Pair is a key of a mapping with its value.
type Pair struct {
	Key   string
	Line  int // of the key
	Value ast.Node
}

// Pairs returns the pairs of a mapping, nil for other nodes.
func Pairs(n ast.Node) []Pair {
	var values []*ast.MappingValueNode
	switch n := plain(n).(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	}
	var out []Pair
	for _, v := range values {
		if t := v.Key.GetToken(); t != nil && t.Position != nil {
			out = append(out, Pair{Key: t.Value, Line: t.Position.Line, Value: v.Value})
		}
	}
	return out
}

// Value returns the value of a mapping's key, nil when there is none.
func Value(n ast.Node, key string) ast.Node {
	for _, p := range Pairs(n) {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

// Items returns the entries of a list, nil for other nodes.
func Items(n ast.Node) []ast.Node {
	if list, ok := plain(n).(*ast.SequenceNode); ok {
		return list.Values
	}
	return nil
}

// Text returns a scalar as it is written and its line; false for lists, mappings and null.
func Text(n ast.Node) (text string, line int, ok bool) {
	if n = plain(n); n == nil {
		return "", 0, false
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return "", 0, false
	}
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.Value, t.Position.Line + 1, true // the text begins below its | or >
	case *ast.StringNode:
		return n.Value, t.Position.Line, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return t.Value, t.Position.Line, true
	}
	return "", 0, false
}
