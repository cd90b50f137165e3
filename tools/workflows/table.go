package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// table says of each workflow that others call what it is for, where it runs, what it needs and what it may.
func table(a *all) string {
	var b strings.Builder
	b.WriteString("| workflow | is for | runner | needs | may |\n| --- | --- | --- | --- | --- |\n")
	for _, w := range a.workflows {
		if !w.shipped() {
			continue
		}
		name := filepath.Base(w.path)
		fmt.Fprintf(&b, "| [`%s`](.github/workflows/%s) | %s | %s | %s | %s |\n", strings.TrimSuffix(name, ".yml"), name, w.purpose(), w.runner(), w.needs(), w.may())
	}
	return b.String()
}

// purpose is the first sentence of the comment that the file begins with.
func (w workflow) purpose() string {
	var words []string
	for _, line := range strings.Split(w.text, "\n") {
		text, ok := strings.CutPrefix(line, "# ")
		if !ok {
			break
		}
		words = append(words, text)
	}
	text := strings.Join(words, " ")
	if i := strings.IndexAny(text, ".?"); i >= 0 {
		text = text[:i+1]
	}
	return strings.TrimSuffix(text, ".")
}

func (w workflow) runner() string {
	if strings.Contains(w.text, "self-hosted") {
		return "your own, with the program"
	}
	return "GitHub's"
}

// needs are the required inputs and the secrets.
func (w workflow) needs() string {
	var out []string
	_, required := w.called("inputs")
	secrets, _ := w.called("secrets")
	for _, name := range required {
		out = append(out, "`"+name+"`")
	}
	if len(secrets) > 0 {
		out = append(out, "takes the secrets `"+strings.Join(secrets, "`, `")+"`")
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, "; ")
}

// may are the permissions of all its jobs.
func (w workflow) may() string {
	var out []string
	for _, j := range w.Jobs {
		for scope, level := range j.Permissions {
			if text := "`" + scope + ": " + level + "`"; !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
