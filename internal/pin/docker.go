package pin

import (
	"bytes"
	"errors"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// arg is a build argument with its default.
type arg struct {
	value string
	line  int
}

// args are a Dockerfile's arguments so far; they answer the library's questions for variables.
type args map[string]arg

// Get returns an argument's default.
func (a args) Get(name string) (string, bool) {
	v, ok := a[name]
	return v.value, ok
}

// Keys returns the names.
func (a args) Keys() []string {
	var out []string
	for k := range a {
		out = append(out, k)
	}
	return out
}

func readDockerfile(r *reader, p string, data []byte) {
	result, err := parseDockerfile(data)
	if err != nil {
		line := 0
		var at *parser.LocationError
		if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
			line = at.Locations[0][0].Start.Line
		}
		r.gap(p, line, "it is not a readable Dockerfile")
		r.script(p, 1, string(data), Requirement, "") // its text is all there is
		return
	}
	d := &dockerfile{reader: r, file: p, args: args{}, lex: shell.NewLex(result.EscapeToken)}
	for _, n := range result.AST.Children {
		d.instruction(n)
	}
	for name, a := range d.args { // those that no image and no command showed
		if v, rest := tagged(a.value); v != nil && variableName.MatchString(name) && !d.has(p, a.line) {
			d.add(Pin{File: p, Line: a.line, Kind: Variable, Place: name, Text: name + "=" + a.value, Version: v, Marker: rest})
		}
	}
}

func parseDockerfile(data []byte) (result *parser.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("the parser failed")
		}
	}()
	return parser.Parse(bytes.NewReader(data))
}

type dockerfile struct {
	*reader
	file string
	args args
	lex  *shell.Lex
}

var reference = regexp.MustCompile(`\$\{?(\w+)`)

// expand puts arguments in, and says which line gives what was put in.
func (d *dockerfile) expand(word string, line int) (string, int) {
	for _, m := range reference.FindAllStringSubmatch(word, -1) {
		if a, ok := d.args[m[1]]; ok && a.value != "" {
			line = a.line
		}
	}
	if out, _, err := d.lex.ProcessWord(word, d.args); err == nil {
		return out, line
	}
	return word, line
}

func (d *dockerfile) instruction(n *parser.Node) {
	var words []string
	for w := n.Next; w != nil; w = w.Next {
		words = append(words, w.Value)
	}
	switch strings.ToUpper(n.Value) {
	case "ARG":
		for _, w := range words {
			name, value, _ := strings.Cut(w, "=")
			d.assign(name, strings.Trim(value, `"'`), n.StartLine)
		}
	case "ENV":
		for i := 0; i+1 < len(words); i += 3 { // name, value, separator
			d.assign(words[i], strings.Trim(words[i+1], `"'`), n.StartLine)
		}
	case "FROM", "COPY":
		for _, flag := range n.Flags {
			if from, ok := strings.CutPrefix(flag, "--from="); ok {
				d.image(from, n.StartLine)
			}
		}
		if strings.EqualFold(n.Value, "FROM") && len(words) > 0 {
			d.image(words[0], n.StartLine)
		}
	case "RUN":
		if len(n.Heredocs) > 0 {
			for _, h := range n.Heredocs {
				d.run(h.Content, n.StartLine+1)
			}
			return
		}
		d.run(strings.Join(words, " "), n.StartLine)
	}
}

func (d *dockerfile) assign(name, value string, line int) {
	if old, ok := d.args[name]; ok && value == "" {
		value, line = old.value, old.line // a stage asks for what stands above its FROM
	}
	value, line = d.expand(value, line)
	d.args[name] = arg{value, line}
}

func (d *dockerfile) image(word string, line int) {
	text, line := d.expand(word, line)
	if !d.has(d.file, line) {
		d.images(d.file, line, text, "FROM")
	}
}

func (d *dockerfile) run(text string, line int) {
	for n, l := range strings.Split(text, "\n") {
		if strings.Contains(strings.ToLower(l), "zenml") {
			expanded, at := d.expand(strings.NewReplacer(`"`, "", `'`, "").Replace(l), line+n)
			d.command(d.file, at, expanded, Requirement, "RUN")
		}
	}
}
