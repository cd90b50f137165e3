package apidiff

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

// Sources of the findings made here.
const (
	PythonSource = "python_api"
	RESTSource   = "rest_api"
)

// Usage answers where the repository uses an API.
type Usage interface {
	// Python returns where code uses a name such as zenml.client.Client.list_runs.
	Python(qualified string) []release.Evidence
	// REST returns where a path such as /api/v1/tags/{id} is called.
	REST(method, path string) []release.Evidence
	// Whole says whether nothing was left out: only then no place means no use.
	Whole() bool
}

// Broken says whether the check of the code against both versions objects to a place; checked whether
// it looked at it at all.
type Broken func(e release.Evidence) (broken, checked bool)

// mostEvidence bounds the places told for one finding.
const mostEvidence = 10

// PythonFindings makes a finding of each object whose change the repository's code meets or the notes
// tell. Whether a call fits changed parameters the type checker says better than a name: where it
// looked, what it accepts is no finding.
func PythonFindings(changes []PythonChange, to string, used Usage, broken Broken, notes []release.Finding) []release.Finding {
	out := []release.Finding{}
	told := tellers(notes)
	for group := range byPath(changes) {
		var names []string
		for _, c := range group {
			names = append(names, c.Names...)
		}
		slices.Sort(names)
		removed := group[0].Kind == "object_removed"
		f := finding(to, PythonSource, strings.TrimSuffix(group[0].Path, ".__init__")+": "+saysPython(group))
		unchecked := false
		for _, n := range slices.Compact(names) {
			for _, e := range used.Python(strings.TrimSuffix(n, ".__init__")) {
				objects, looked := broken(e)
				unchecked = unchecked || !looked
				if (removed || objects || !looked) && !slices.ContainsFunc(f.Evidence, func(o release.Evidence) bool { return o.File == e.File && o.Line == e.Line }) {
					f.Evidence = append(f.Evidence, e)
				}
			}
		}
		f.Searched = append(f.Searched, "Python code for "+strings.TrimSuffix(group[0].Path, ".__init__"))
		f.Declared = told.python(group[0].Path)
		f.decide(used.Whole(), removed || !unchecked)
		if len(f.Evidence) > 0 || removed && f.Declared {
			out = append(out, f.Finding)
		}
	}
	return out
}

// RESTFindings makes a finding of each operation whose change breaks a call and that the repository
// calls or the notes tell.
func RESTFindings(changes []RESTChange, to string, used Usage, notes []release.Finding) []release.Finding {
	out := []release.Finding{}
	told := tellers(notes)
	operations := map[[2]string][]string{}
	var order [][2]string
	for _, c := range changes {
		if !breaksCalls(c.Kind) {
			continue
		}
		key := [2]string{c.Method, c.Path}
		if operations[key] == nil {
			order = append(order, key)
		}
		operations[key] = append(operations[key], c.Text)
	}
	for _, key := range order {
		texts := operations[key]
		more := ""
		if len(texts) > 3 {
			more = fmt.Sprintf("; %d more", len(texts)-3)
		}
		f := finding(to, RESTSource, key[0]+" "+key[1]+": "+strings.Join(texts[:min(len(texts), 3)], "; ")+more)
		f.Evidence = append(f.Evidence, used.REST(key[0], key[1])...)
		f.Searched = append(f.Searched, "files of the repository for calls of "+key[1])
		f.Declared = told.rest(key[1])
		f.decide(used.Whole(), true)
		if len(f.Evidence) > 0 || f.Declared {
			out = append(out, f.Finding)
		}
	}
	return out
}

// breaksCalls tells what a client can stumble over from what it gets beside what it knew (a new value
// of an enumeration, a longer text): that is only counted.
func breaksCalls(kind string) bool {
	for _, p := range []string{"api-", "request-", "new-required-", "response-required-property-removed", "response-property-type-changed", "response-body-type-changed"} {
		if strings.HasPrefix(kind, p) {
			return true
		}
	}
	return false
}

type draft struct{ release.Finding }

func finding(to, source, title string) *draft {
	id := release.ID(to, release.Breaking, source+" "+title)
	return &draft{release.Finding{
		ID: id, Version: to, Category: release.Breaking, Title: cut(title), Text: cut(title), Source: source,
		Affects: release.Unknown, Searched: []string{}, Evidence: []release.Evidence{}, CVEs: []string{},
	}}
}

func (f *draft) decide(whole, certain bool) {
	f.Evidence = f.Evidence[:min(len(f.Evidence), mostEvidence)]
	switch {
	case len(f.Evidence) > 0 && certain:
		f.Affects = release.Yes
	case len(f.Evidence) == 0 && whole:
		f.Affects = release.No
	}
}

// byPath yields the changes of one object together, in the order given; the list is sorted by path.
func byPath(changes []PythonChange) func(func([]PythonChange) bool) {
	return func(yield func([]PythonChange) bool) {
		for start := 0; start < len(changes); {
			end := start + 1
			for end < len(changes) && changes[end].Path == changes[start].Path {
				end++
			}
			if !yield(changes[start:end]) {
				return
			}
			start = end
		}
	}
}

func saysPython(group []PythonChange) string {
	if group[0].Kind == "object_removed" {
		if to := group[0].MovedTo; to != "" {
			return "removed; one of this name is at " + to
		}
		return "removed"
	}
	var parts []string
	for _, c := range group {
		how := strings.ReplaceAll(strings.TrimPrefix(c.Kind, "parameter_"), "_", " ")
		parts = append(parts, fmt.Sprintf("parameter %s %s", c.Parameter, how))
	}
	return strings.Join(parts, ", ")
}

// teller looks names up in what notes put into backticks.
type teller struct {
	names map[string]bool
	text  string
}

var backticked = regexp.MustCompile("`([^`\n]{1,200})`")

func tellers(notes []release.Finding) *teller {
	t := &teller{names: map[string]bool{}}
	for _, f := range notes {
		if f.Source != "notes" || f.Category != release.Breaking && f.Category != release.Deprecation {
			continue
		}
		for _, m := range backticked.FindAllStringSubmatch(f.Text, -1) {
			t.names[strings.TrimSuffix(strings.TrimSpace(m[1]), "()")] = true
		}
		t.text += f.Text + "\n"
	}
	return t
}

var distinct = regexp.MustCompile(`^[A-Za-z]\w*(_|[a-z][A-Z])\w*$`)

// python says whether the notes name an object, by a distinct last part or by it and its owner.
func (t *teller) python(path string) bool {
	parts := strings.Split(strings.TrimSuffix(path, ".__init__"), ".")
	last := parts[len(parts)-1]
	if len(parts) > 2 && t.names[parts[len(parts)-2]+"."+last] {
		return true
	}
	return t.names[path] || len(last) > 7 && distinct.MatchString(last) && t.names[last]
}

// rest says whether the notes write the part of a path that stands before its first parameter.
func (t *teller) rest(path string) bool {
	fixed, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/v1"), "/{")
	return len(fixed) > 5 && regexp.MustCompile(regexp.QuoteMeta(fixed)+`($|[^\w-])`).MatchString(t.text)
}
