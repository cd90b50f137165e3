package usage

import (
	"encoding/json"
	"regexp"
	"strings"
)

// assignment is a line that sets an environment variable, in files of several forms.
var assignment = regexp.MustCompile(`^\s*(?:export\s+|[A-Za-z.]+\s*=\s*["'])?(ZENML_[A-Z0-9_]+)\s*[?:+]?=`)

// startsCommand is a line of a file that no shell reads as it stands, with a command of zenml in it:
// tox's and poe's tasks, Jenkinsfiles, justfiles, scripts of other shells.
var startsCommand = regexp.MustCompile(`^\s*(?:[\w.-]+\s*=\s*|@|-\s+|&\s+|call\s+|(?:sh|bat|powershell)\s*\(?\s*)?(?:\[\s*)?["']*((?:(?:uv|poetry|pdm) run )?zenml\s+[a-z][\w-]*(?:\s[^"'\n]*)?)["']*\s*[,\])]*\s*$`)

// lineFile reads lines NAME=value and lines that are a command of zenml. Comments are left out.
func (b *builder) lineFile(p string, data []byte) error {
	for i, l := range strings.Split(string(data), "\n") {
		if t := strings.TrimSpace(l); t == "" || t[0] == '#' || t[0] == ';' || strings.HasPrefix(t, "//") || strings.HasPrefix(strings.ToLower(t), "rem ") {
			continue
		}
		if m := assignment.FindStringSubmatch(l); m != nil {
			b.add(Place{File: p, Line: i + 1, Kind: Env, Name: m[1]})
		} else if m := startsCommand.FindStringSubmatch(l); m != nil {
			b.shell(p, shellText{text: strings.TrimRight(m[1], `\ `), line: i + 1, fixed: true})
		}
	}
	return nil
}

var makeVariable = regexp.MustCompile(`\$\([A-Za-z_][\w.]*\)|\$\{[A-Za-z_][\w.]*\}|\$[@<^*?%]`)

// makefile reads recipes and the variables that are set. A recipe goes on while its lines end with \.
func (b *builder) makefile(p string, data []byte) error {
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		if m := assignment.FindStringSubmatch(lines[i]); m != nil {
			b.add(Place{File: p, Line: i + 1, Kind: Env, Name: m[1]})
		}
		text, recipe := strings.CutPrefix(lines[i], "\t")
		if _, inner, ok := strings.Cut(lines[i], "$(shell "); !recipe && ok {
			text, recipe = strings.TrimSuffix(strings.TrimSpace(inner), ")"), true
		}
		if !recipe {
			continue
		}
		begin := i
		text = strings.TrimLeft(text, "@-+ \t")
		for strings.HasSuffix(text, `\`) && i+1 < len(lines) {
			i++
			text += "\n" + lines[i]
		}
		text = makeVariable.ReplaceAllString(text, "_x_")
		b.shell(p, shellText{text: strings.ReplaceAll(text, "$$", "$"), line: begin + 1})
	}
	return nil
}

// dockerfile reads the commands that are run, the command of the image, and the variables.
func (b *builder) dockerfile(p string, data []byte) error {
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		word, rest, _ := strings.Cut(strings.TrimSpace(lines[i]), " ")
		begin := i
		var kept []string
		for cut, more := strings.CutSuffix(strings.TrimRight(rest, " \t\r"), `\`); more && i+1 < len(lines); {
			kept = append(kept, cut+`\`)
			i++
			for strings.HasPrefix(strings.TrimSpace(lines[i]), "#") && i+1 < len(lines) { // a comment inside an instruction
				kept = append(kept, `\`)
				i++
			}
			rest = lines[i]
			cut, more = strings.CutSuffix(strings.TrimRight(rest, " \t\r"), `\`)
		}
		text := strings.Join(append(kept, rest), "\n")
		switch strings.ToUpper(word) {
		case "RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK":
			b.instruction(p, text, begin+1)
		case "ENV", "ARG":
			for k, l := range strings.Split(text, "\n") {
				for _, f := range strings.Fields(l) {
					if name, _, _ := strings.Cut(f, "="); variable.MatchString(name) {
						b.add(Place{File: p, Line: begin + 1 + k, Kind: Env, Name: name})
					}
				}
			}
		}
		if _, end, ok := strings.Cut(rest, "<<"); ok && strings.EqualFold(word, "RUN") {
			end = strings.Trim(strings.TrimPrefix(end, "-"), "\"' \r")
			from := i + 1
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != end; i++ {
			}
			b.shell(p, shellText{text: strings.Join(lines[min(from, len(lines)):min(i, len(lines))], "\n"), line: from + 1})
		}
	}
	return nil
}

var runOption = regexp.MustCompile(`^(\s*--\w[\w-]*(=\S+)?\s+)+`)

// instruction reads a command in either form, a list of words or a line for the shell.
func (b *builder) instruction(p, text string, line int) {
	text = strings.TrimSpace(runOption.ReplaceAllString(text, ""))
	text = strings.TrimSpace(strings.TrimPrefix(text, "CMD "))
	if strings.HasPrefix(text, "<<") {
		return // what follows is read by itself
	}
	var words []string
	if json.Unmarshal([]byte(strings.ReplaceAll(text, "\\\n", "\n")), &words) == nil {
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		b.shell(p, shellText{text: strings.Join(quoted, " "), line: line, fixed: true})
		return
	}
	b.shell(p, shellText{text: text, line: line})
}

var routeText = regexp.MustCompile(`^[^\s]*/api/v1/[^\s]*$`)

// script reads texts of JavaScript and TypeScript that are paths of the REST API.
func (b *builder) script(p string, data []byte) error {
	line, text := 1, string(data)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\n':
			line++
		case strings.HasPrefix(text[i:], "//"):
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return nil
			}
			line += strings.Count(text[i:i+2+end], "\n")
			i += end + 3
		case c == '"' || c == '\'' || c == '`':
			body, n := quoted(text[i+1:], c)
			t := templateGap.ReplaceAllString(body, "{}")
			if routeText.MatchString(t) {
				b.add(Place{File: p, Line: line, Kind: REST, Name: t, Text: verbBefore(text[max(0, i-80):i])})
			}
			line += strings.Count(body, "\n")
			i += n
		}
	}
	return nil
}

var (
	templateGap = regexp.MustCompile(`\$\{[^}]*\}`)
	verbCall    = regexp.MustCompile(`(?i)\.(get|post|put|delete|patch)(?:<[^>]*>)?\(\s*$`)
)

func verbBefore(text string) string {
	if m := verbCall.FindStringSubmatch(text); m != nil {
		return strings.ToUpper(m[1])
	}
	return ""
}

// quoted returns a text up to its closing quote, and how many bytes it takes with that.
func quoted(text string, quote byte) (string, int) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == quote:
			return text[:i], i + 1
		case text[i] == '\n' && quote != '`':
			return text[:i], i
		}
	}
	return text, len(text)
}
