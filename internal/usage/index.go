// Package usage finds out what a repository uses of ZenML without needing types: Python names,
// commands, REST paths, Helm keys, environment variables. Everything is read from the syntax of the
// files, in which comments, docstrings and other libraries' same names do not count; nothing of the
// repository is run or imported.
package usage

import (
	"slices"
	"strings"
	"sync"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Kind says what a place is.
type Kind string

// The kinds of places.
const (
	Import    Kind = "import"
	Call      Kind = "call"
	Attribute Kind = "attribute"
	Decorator Kind = "decorator"
	Keyword   Kind = "keyword" // Name ends with "(argument=)"
	Subclass  Kind = "subclass"
	Override  Kind = "override" // a method of a subclass of the class in Name
	Reference Kind = "string"   // a class or module named by text
	Value     Kind = "value"    // a text given to ZenML; Text is "argument=text"
	Module    Kind = "module"   // the import of a top module of any library
	Member    Kind = "member"   // Name is an attribute of something whose type is not known
	Command   Kind = "command"
	REST      Kind = "rest"  // Text is the method, empty when it is not visible
	Route     Kind = "route" // a path below an address that the source does not show
	Helm      Kind = "helm"
	Env       Kind = "env"
	Config    Kind = "config" // a key of a YAML or JSON file
	Word      Kind = "word"   // a plain value of a YAML or JSON file, below the key in Text
)

// Place is where something is used.
type Place struct {
	File      string
	Line      int // 1-based
	Kind      Kind
	Name      string // full, such as zenml.client.Client.list_stacks
	Text      string // see Kind
	Unreached string // why the new version never comes here; empty: it does
}

// Index is what a repository uses of ZenML.
type Index struct {
	Gaps        []repo.Gap // what could not be read, and so could hide a use
	PythonFiles int        // Python files and notebooks that were read
	OtherFiles  int        // other files that were read

	places map[Kind][]Place
	dead   map[string][]span
	gather sync.Once
	names  []usedName // of Python code
}

type span struct {
	from, to int
	why      string
}

// Unreached says why the new version never comes to a line of Python code; empty when it may.
func (x *Index) Unreached(file string, line int) string {
	for _, s := range x.dead[file] {
		if s.from <= line && line <= s.to {
			return s.why
		}
	}
	return ""
}

// All returns the places of some kinds, those that are never reached included.
func (x *Index) All(kinds ...Kind) []Place {
	var out []Place
	for _, k := range kinds {
		out = append(out, x.places[k]...)
	}
	return out
}

// named are the kinds whose Name is a full Python name.
var named = []Kind{Import, Call, Attribute, Decorator, Keyword, Subclass, Override, Reference}

// Python returns the reached places that use a name of ZenML's or something below it. The name is
// full (zenml.client.Client.list_stacks); classes may be told by where they are defined or by where
// they are imported from (zenml.models.StackFilter); without a dot before it a name is taken for a
// class or function of any module of ZenML.
func (x *Index) Python(name string) []Place {
	return reached(x.python(name))
}

// PythonUnreached is Python for the places that the new version never comes to.
func (x *Index) PythonUnreached(name string) []Place {
	return slices.DeleteFunc(x.python(name), func(p Place) bool { return p.Unreached == "" })
}

func (x *Index) python(name string) []Place {
	asked := parse(strings.TrimSuffix(name, "()"))
	var out []Place
	for _, u := range x.pythonNames() {
		if u.matches(asked) {
			out = append(out, u.places...)
		}
	}
	return tidy(out)
}

// usedName is a name with all its places: thousands of questions are asked, of far fewer names.
type usedName struct {
	qualified
	places []Place
}

// pythonNames are the names of Python code, gathered at the first question.
func (x *Index) pythonNames() []usedName {
	x.gather.Do(func() {
		at := map[string]int{}
		for _, k := range named {
			for _, p := range x.places[k] {
				// What is asked of a result is no second use of what gave it.
				if strings.ContainsRune(p.Name, '(') && k != Keyword {
					continue
				}
				i, ok := at[p.Name]
				if !ok {
					i = len(x.names)
					at[p.Name] = i
					x.names = append(x.names, usedName{qualified: parse(p.Name)})
				}
				x.names[i].places = append(x.names[i].places, p)
			}
		}
	})
	return x.names
}

// Keyword returns the reached calls that give an argument of this name to what name stands for;
// name may be empty for any function or class of ZenML.
func (x *Index) Keyword(name, argument string) []Place {
	var out []Place
	for _, p := range x.places[Keyword] {
		f, ok := strings.CutSuffix(p.Name, "("+argument+"=)")
		if ok && (name == "" || Matches(f, name)) {
			out = append(out, p)
		}
	}
	return reached(tidy(out))
}

// Subclasses returns the reached classes that are built on a class.
func (x *Index) Subclasses(name string) []Place {
	var out []Place
	for _, p := range x.places[Subclass] {
		if Matches(p.Name, name) {
			out = append(out, p)
		}
	}
	return reached(tidy(out))
}

// Members returns the reached places where an attribute of this name is asked of something that
// comes from ZenML (sure) or whose type is not known (maybe).
func (x *Index) Members(name string) (sure, maybe []Place) {
	for _, k := range []Kind{Attribute, Override, Call} {
		for _, p := range x.places[k] {
			if i := strings.LastIndexByte(p.Name, '.'); i > 0 && p.Name[i+1:] == name {
				sure = append(sure, p)
			}
		}
	}
	for _, p := range x.places[Member] {
		if p.Name == name {
			maybe = append(maybe, p)
		}
	}
	return reached(tidy(sure)), reached(tidy(maybe))
}

// Modules returns the reached imports of a top module of any library.
func (x *Index) Modules(name string) []Place { return x.exact(Module, name) }

// Env returns the reached uses of an environment variable.
func (x *Index) Env(name string) []Place { return x.exact(Env, name) }

// Config returns the places of a key in YAML and JSON files that are not Helm values.
func (x *Index) Config(key string) []Place {
	var out []Place
	for _, p := range x.places[Config] {
		if p.Name == key || strings.HasSuffix(p.Name, "."+key) {
			out = append(out, p)
		}
	}
	return out
}

func (x *Index) exact(k Kind, name string) []Place {
	var out []Place
	for _, p := range x.places[k] {
		if p.Name == name {
			out = append(out, p)
		}
	}
	return reached(tidy(out))
}

// CLI returns the reached calls of the command zenml that have these words after it, in order;
// words with a dash are options and may stand anywhere after.
func (x *Index) CLI(words ...string) []Place {
	var out []Place
	for _, p := range x.places[Command] {
		if commandHas(strings.Fields(p.Name), words) {
			out = append(out, p)
		}
	}
	return reached(out)
}

func commandHas(have, want []string) bool {
	at := 1
	for _, w := range want {
		if w == "zenml" {
			continue
		}
		if strings.HasPrefix(w, "-") {
			if !slices.ContainsFunc(have, func(h string) bool { return h == w || strings.HasPrefix(h, w+"=") }) {
				return false
			}
			continue
		}
		for at < len(have) && strings.HasPrefix(have[at], "-") {
			at++
		}
		if at >= len(have) || have[at] != w {
			return false
		}
		at++
	}
	return true
}

// Helm returns the places that set a key of ZenML's chart or something below it. The key may
// be written with or without the chart's two roots, zenml and server.
func (x *Index) Helm(key string) []Place {
	var out []Place
	key = strings.TrimSuffix(key, ":")
	for _, p := range x.places[Helm] {
		names := []string{p.Name}
		for _, root := range []string{"zenml.", "server."} {
			if cut, ok := strings.CutPrefix(p.Name, root); ok {
				names = append(names, cut)
			}
		}
		if slices.ContainsFunc(names, func(n string) bool { return n == key || strings.HasPrefix(n, key+".") }) {
			out = append(out, p)
		}
	}
	return out
}

// REST returns the reached calls of a path of the REST API, with or without /api/v1. Parts in
// brackets stand for anything. An empty method stands for all; a call whose method is not visible is
// taken for one of every method.
func (x *Index) REST(method, path string) []Place {
	want := Segments(path)
	var out []Place
	for _, p := range x.places[REST] {
		if (method == "" || p.Text == "" || strings.EqualFold(method, p.Text)) && segmentsMatch(Segments(p.Name), want) {
			out = append(out, p)
		}
	}
	return reached(tidy(out))
}

// MaybeREST returns the reached texts that end like a path of the REST API, below an address that
// the source does not show.
func (x *Index) MaybeREST(path string) []Place {
	want := Segments(path)
	var out []Place
	for _, p := range x.places[Route] {
		have := Segments(p.Name)
		if len(have) >= len(want) && segmentsMatch(have[len(have)-len(want):], want) {
			out = append(out, p)
		}
	}
	return reached(tidy(out))
}

func reached(list []Place) []Place {
	return slices.DeleteFunc(slices.Clone(list), func(p Place) bool { return p.Unreached != "" })
}

// tidy keeps one place a line, in the order of files and lines.
func tidy(list []Place) []Place {
	slices.SortStableFunc(list, func(a, b Place) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return slices.CompactFunc(list, func(a, b Place) bool {
		return a.File == b.File && a.Line == b.Line && a.Unreached == b.Unreached
	})
}
