package usage

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shellText is text for a shell inside another file.
type shellText struct {
	text  string
	line  int    // of its first line in the file
	fixed bool   // every line of it stands on that one line
	why   string // not reached, because
}

func (b *builder) shellFile(p string, data []byte) error {
	b.shell(p, shellText{text: string(data), line: 1})
	return nil
}

// expressions are the parts that something else fills in before a shell sees the text.
var expressions = regexp.MustCompile(`\$\{\{[^\n]*?\}\}|\{\{[^\n]*?\}\}`)

// shell reads the commands of a text. The parts that a workflow engine fills in become one word.
func (b *builder) shell(p string, s shellText) {
	text := expressions.ReplaceAllStringFunc(s.text, func(e string) string { return "_" + strings.Repeat("x", len(e)-1) })
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.KeepComments(false)).Parse(strings.NewReader(text), "")
	at := func(pos syntax.Pos) int {
		if s.fixed {
			return s.line
		}
		return s.line + int(pos.Line()) - 1
	}
	if err != nil {
		var bad syntax.ParseError
		line := s.line
		if errors.As(err, &bad) {
			line = at(bad.Pos)
		}
		if relevant.MatchString(text) { // what does not speak of ZenML hides nothing
			b.gap(p, line, "its shell commands cannot be read")
		}
	}
	if f == nil {
		return
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		put := func(kind Kind, name, text string, pos syntax.Pos) {
			b.add(Place{File: p, Line: at(pos), Kind: kind, Name: name, Text: text, Unreached: s.why})
		}
		switch n := n.(type) {
		case *syntax.CallExpr:
			b.command(n, put)
		case *syntax.Assign:
			if n.Name != nil && variable.MatchString(n.Name.Value) {
				put(Env, n.Name.Value, "", n.Pos())
			}
		case *syntax.ParamExp:
			if n.Param != nil && variable.MatchString(n.Param.Value) {
				put(Env, n.Param.Value, "", n.Pos())
			}
		case *syntax.Stmt:
			for _, r := range n.Redirs {
				b.heredoc(p, n, r, at)
			}
		}
		return true
	})
}

var (
	relevant = regexp.MustCompile(`(?i)zenml|api/v1`)
	variable = regexp.MustCompile(`^ZENML_[A-Z0-9_]+$`)
)

// heredoc reads what a shell or an interpreter is given as its input.
func (b *builder) heredoc(p string, n *syntax.Stmt, r *syntax.Redirect, at func(syntax.Pos) int) {
	call, ok := n.Cmd.(*syntax.CallExpr)
	if !ok || r.Hdoc == nil || len(call.Args) == 0 {
		return
	}
	if name := path.Base(literal(call.Args[0])); slices.Contains([]string{"bash", "sh", "ssh", "zsh"}, name) {
		b.shell(p, shellText{text: literal(r.Hdoc), line: at(r.Hdoc.Pos())})
	}
}

// launchers start another command; what stands before it are their own options.
var launchers = []string{"sudo", "env", "time", "exec", "nohup", "xargs", "command", "run", "uv", "poetry", "pdm", "hatch", "rye", "pipenv", "conda", "docker", "podman", "compose",
	"kubectl", "srun", "timeout", "watch", "nice", "retry", "uvx", "pipx", "if", "!", "docker-compose", "bash", "sh"}

func (b *builder) command(n *syntax.CallExpr, put func(Kind, string, string, syntax.Pos)) {
	if len(n.Args) == 0 {
		return
	}
	words := make([]string, len(n.Args))
	for i, a := range n.Args {
		words[i] = literal(a)
	}
	if at := zenmlAt(words); at >= 0 {
		put(Command, strings.Join(append([]string{"zenml"}, words[at+1:]...), " "), "", n.Args[at].Pos())
	}
	if slices.Contains([]string{"bash", "sh", "zsh"}, path.Base(words[0])) {
		if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") && strings.HasSuffix(w, "c") }); i > 0 && i+1 < len(words) {
			b.nested(words[i+1], n.Args[i+1].Pos(), put)
		}
	}
	if base := path.Base(words[0]); base == "helm" || base == "helmfile" {
		b.helmCommand(words, n, put)
	}
	verb := method(words)
	for i, w := range words {
		if strings.Contains(w, "/api/v1/") && !strings.ContainsAny(w, " \t\n") {
			put(REST, w, verb, n.Args[i].Pos())
		}
		if name, _, _ := strings.Cut(w, "="); variable.MatchString(name) {
			put(Env, name, "", n.Args[i].Pos())
		}
	}
}

// nested reads a command that is a word of another: bash -c "zenml stack list".
func (b *builder) nested(text string, pos syntax.Pos, put func(Kind, string, string, syntax.Pos)) {
	f, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		return
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok {
			b.command(c, func(k Kind, name, text string, _ syntax.Pos) { put(k, name, text, pos) })
		}
		return true
	})
}

// zenmlAt returns where the command zenml stands: first, behind python -m, or behind launchers.
func zenmlAt(words []string) int {
	for i, w := range words {
		base := path.Base(w)
		switch {
		case base == "zenml" && i == 0:
			return i
		case base == "zenml" && words[i-1] == "-m":
			return i
		case base == "zenml" && slices.ContainsFunc(words[:i], func(l string) bool { return slices.Contains(launchers, path.Base(l)) }):
			// docker run zenml/..., pip install zenml and poetry add zenml name no command
			if slices.ContainsFunc(words[:i], func(l string) bool {
				return slices.Contains([]string{"install", "add", "pip", "uninstall", "remove", "build", "pull"}, l)
			}) {
				return -1
			}
			return i
		}
	}
	return -1
}

// method returns the HTTP method of a call of curl or a program like it.
func method(words []string) string {
	base := path.Base(words[0])
	if base != "curl" && base != "http" && base != "https" && base != "wget" && base != "xh" {
		return ""
	}
	for i, w := range words {
		switch {
		case (w == "-X" || w == "--request") && i+1 < len(words):
			return strings.ToUpper(words[i+1])
		case strings.HasPrefix(w, "-X") && len(w) > 2:
			return strings.ToUpper(w[2:])
		case strings.HasPrefix(w, "--request="):
			return strings.ToUpper(w[len("--request="):])
		case base != "curl" && slices.Contains([]string{"GET", "POST", "PUT", "DELETE", "PATCH"}, w):
			return w
		}
	}
	if slices.ContainsFunc(words, func(w string) bool { return w == "-d" || strings.HasPrefix(w, "--data") || w == "--json" || w == "-F" }) {
		return "POST"
	}
	return "GET"
}

// helmCommand reads the keys that a command for ZenML's chart sets.
func (b *builder) helmCommand(words []string, n *syntax.CallExpr, put func(Kind, string, string, syntax.Pos)) {
	if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(w), "zenml") }) {
		return
	}
	for i := 1; i < len(words); i++ {
		flag, value, joined := strings.Cut(words[i], "=")
		if !slices.Contains([]string{"--set", "--set-string", "--set-file", "--set-json"}, flag) {
			continue
		}
		if !joined && i+1 < len(words) {
			i++
			value = words[i]
		}
		for _, pair := range strings.Split(value, ",") {
			if key, _, ok := strings.Cut(pair, "="); ok {
				put(Helm, strings.TrimSpace(key), "", n.Args[i].Pos())
			}
		}
	}
}

// literal returns a word as far as the text shows it; what the shell fills in is {}.
func literal(w *syntax.Word) string {
	var out strings.Builder
	var part func([]syntax.WordPart)
	part = func(list []syntax.WordPart) {
		for _, p := range list {
			switch p := p.(type) {
			case *syntax.Lit:
				out.WriteString(strings.ReplaceAll(p.Value, "\\\n", ""))
			case *syntax.SglQuoted:
				out.WriteString(p.Value)
			case *syntax.DblQuoted:
				part(p.Parts)
			default:
				out.WriteString("{}")
			}
		}
	}
	part(w.Parts)
	return out.String()
}
