package impact

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

// search is what looking for one name gave.
type search struct {
	what        string
	sure, maybe []usage.Place
	python      bool // only Python code can hold it
}

// common are names that every user of ZenML has in the code: meeting one proves nothing.
var common = []string{"Client", "ZenML", "Model", "step", "pipeline", "zenml", "zenml.client", "zenml.step", "zenml.pipeline", "zenml.client.Client", "zenml.Model", "zenml init"}

var (
	restName   = regexp.MustCompile(`^(?:(GET|POST|PUT|DELETE|PATCH)\s+)?(/?api/v1/\S*|/[a-z_]+(?:/\S*)?)$`)
	envName    = regexp.MustCompile(`^(ZENML_[A-Z0-9_]+)(=.*)?$`)
	identifier = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)
	option     = regexp.MustCompile(`^--?[a-z][\w-]*$`)
	pinned     = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)(\[[\w, -]*\])?\s*(==|>=|<=|~=|!=|<|>)`)
	arguments  = regexp.MustCompile(`\(([^()]*(?:\([^()]*\))?[^()]*)\)`)
	argument   = regexp.MustCompile(`(\w+)\s*=`)
	commands   = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

	speaksOfHelm  = regexp.MustCompile(`(?i)\bhelm\b|\bchart\b|values\.ya?ml`)
	speaksOfKeys  = regexp.MustCompile(`(?i)\b(keys?|settings?|config|configs|configuration|yaml|options?)\b`)
	speaksOfNeeds = regexp.MustCompile(`(?i)depend|librar|package|requirement|requires|install|pip |version`)
)

// bare takes calls, decorators and backticks from a name: Client().list_x(...) gives Client.list_x.
func bare(name string) string {
	name = strings.Trim(strings.TrimSpace(name), "@` :")
	for arguments.MatchString(name) {
		name = arguments.ReplaceAllString(name, "")
	}
	return strings.TrimRight(name, "(. ")
}

// named searches for every name of a finding.
func (k *Known) named(f *release.Finding, t told) (answer, bool) {
	if k.Usage == nil {
		return answer{}, false
	}
	var found []search
	for _, n := range t.names {
		if s, ok := k.look(n, f, t); ok {
			if slices.Contains(common, bare(n)) && len(argumentNames(n)) == 0 {
				s.sure, s.maybe = nil, append(s.sure, s.maybe...)
			}
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return answer{}, false
	}
	return k.sum(found), true
}

// look searches for one name by what it is; false when it is nothing that a search can find.
func (k *Known) look(name string, f *release.Finding, t told) (search, bool) {
	x := k.Usage
	id := bare(name)
	helm := f.Category == release.Helm || speaksOfHelm.MatchString(t.text)
	switch {
	case slices.Contains([]string{"zenml", "true", "false", "none", "values.yaml"}, strings.ToLower(id)) || strings.HasSuffix(name, "--help"):
		return search{}, false
	case envName.MatchString(name):
		v := envName.FindStringSubmatch(name)[1]
		return search{what: "the environment variable " + v, sure: x.Env(v)}, true
	case strings.HasPrefix(name, "zenml ") || strings.HasPrefix(name, "python -m zenml "):
		words := commandWords(name)
		return search{what: "the command zenml " + strings.Join(words, " "), sure: x.CLI(words...)}, len(words) > 0
	case restName.MatchString(name) && (strings.Contains(name, "api/v1") || strings.Contains(strings.ToLower(t.text), "endpoint") || strings.Contains(t.text, "API")):
		m := restName.FindStringSubmatch(name)
		return search{what: "calls of " + strings.TrimSpace(m[1]+" "+m[2]), sure: x.REST(m[1], m[2]), maybe: x.MaybeREST(m[2])}, true
	case option.MatchString(name):
		var sure []usage.Place
		for _, p := range x.All(usage.Command) {
			if slices.ContainsFunc(strings.Fields(p.Name), func(w string) bool { return w == name || strings.HasPrefix(w, name+"=") }) {
				sure = append(sure, p)
			}
		}
		return search{what: "commands of zenml with " + name, sure: sure}, true
	case pinned.MatchString(name) && pinned.FindStringSubmatch(name)[1] == "zenml":
		return search{}, false
	case pinned.MatchString(name):
		return k.required(pinned.FindStringSubmatch(name)[1]), true
	case helm && identifier.MatchString(id) && !strings.HasPrefix(name, "zenml["):
		return search{what: "the Helm key " + id, sure: x.Helm(id), maybe: k.underServer(id)}, true
	case !identifier.MatchString(id) || strings.HasSuffix(id, ".yaml") || strings.HasSuffix(id, ".yml"):
		return search{}, false
	}
	if keys := argumentNames(name); len(keys) > 0 {
		s := search{python: true, what: fmt.Sprintf("%s with %s", id, strings.Join(keys, ", "))}
		for _, key := range keys {
			s.sure = append(s.sure, x.Keyword(id, key)...)
		}
		return s, true
	}
	return k.lookPython(id, t)
}

// lookPython searches for a name of Python code, of a setting or of a package.
func (k *Known) lookPython(id string, t told) (search, bool) {
	x := k.Usage
	head, last := id, id[strings.LastIndexByte(id, '.')+1:]
	if i := strings.IndexByte(id, '.'); i > 0 {
		head = id[:i]
	}
	s := search{what: "uses of " + id, python: !speaksOfKeys.MatchString(t.text)}
	switch {
	case head == "zenml" || head != strings.ToLower(head) && head != strings.ToUpper(head):
		if head != "zenml" && !k.recognises(id) {
			return search{}, false
		}
		s.sure = x.Python(id)
		if head != id && head != "zenml" {
			_, s.maybe = x.Members(last)
		}
		return s, true
	case k.isPackage(id) && speaksOfNeeds.MatchString(t.text):
		return k.required(id), true
	case head != id && len(x.Modules(head)) > 0 && !k.recognises(id):
		return search{what: "imports of " + head, maybe: x.Modules(head)}, true
	case !k.recognises(last) && !speaksOfKeys.MatchString(t.text):
		return search{}, false
	}
	s.sure, s.maybe = x.Members(last)
	// What a class of the user's adds to its base is no use of it.
	s.sure = slices.DeleteFunc(s.sure, func(p usage.Place) bool { return p.Kind == usage.Override && k.adds(p) })
	if head == id {
		s.sure = append(s.sure, x.Python(id)...)
		s.sure = append(s.sure, x.Keyword("", id)...)
		if speaksOfKeys.MatchString(t.text) && (strings.Contains(id, "_") || len(id) >= 8) {
			s.sure = append(s.sure, x.Config(id)...)
			s.what += " (also as a key of YAML files)"
		}
	}
	return s, true
}

// adds says whether a method of a user's class is one that no version of the base class has.
func (k *Known) adds(p usage.Place) bool {
	for _, s := range []*usage.Symbols{k.Old, k.New} {
		if s == nil {
			return false
		}
		if has, known := s.Has(p.Name); has || !known {
			return false
		}
	}
	return true
}

// recognises says whether a name can be one of ZenML's: all its words stand in names of the package.
func (k *Known) recognises(name string) bool {
	if len(k.words) == 0 {
		return true
	}
	for _, w := range wordsOf(name) {
		if !k.words[w] {
			return false
		}
	}
	return true
}

// underServer finds a Helm key in values whose chart is not known to be ZenML's.
func (k *Known) underServer(id string) []usage.Place {
	var out []usage.Place
	for _, p := range k.Usage.Config(id) {
		if speaksOfHelm.MatchString(p.File) || strings.Contains(strings.ToLower(p.File), "values") {
			out = append(out, p)
		}
	}
	return out
}

func commandWords(name string) []string {
	_, rest, _ := strings.Cut(name, "zenml ")
	var out []string
	for _, w := range strings.Fields(rest) {
		if !commands.MatchString(w) && !option.MatchString(w) {
			break
		}
		out = append(out, w)
	}
	return out
}

// argumentNames returns the names of the arguments that a call in a text gives.
func argumentNames(name string) []string {
	m := arguments.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	inner := regexp.MustCompile(`\([^()]*\)`).ReplaceAllString(m[1], "")
	if m[1] == "" { // Client().f(..., a=True)
		inner = name[strings.LastIndexByte(name, '(')+1:]
	}
	var out []string
	for _, a := range argument.FindAllStringSubmatch(inner, -1) {
		out = append(out, a[1])
	}
	return out
}

// isPackage says whether a name is one of a package that either version of ZenML or an integration asks for.
func (k *Known) isPackage(name string) bool {
	name = pyenv.Normalize(name)
	if k.Pair != nil {
		for _, m := range []*pyenv.Metadata{k.Pair.OldMeta, k.Pair.NewMeta} {
			if slices.ContainsFunc(m.RequiresDist, func(r string) bool { return requirementName(r) == name }) {
				return true
			}
		}
	}
	return slices.Contains([]string{"numpy", "pandas", "pydantic", "sqlalchemy", "sqlmodel", "pyarrow", "click"}, name)
}

// sum makes an answer of what the searches for a finding's names gave.
func (k *Known) sum(found []search) answer {
	a := answer{onPython: true}
	var sure, maybe []usage.Place
	for _, s := range found {
		a.onPython = a.onPython && s.python
		a.searched = append(a.searched, k.where()+" for "+s.what)
		sure, maybe = append(sure, s.sure...), append(maybe, s.maybe...)
	}
	switch {
	case len(sure) > 0:
		a.affects, a.reason, a.evidence = release.Yes, "The repository uses what the change names.", k.evidence(sure)
	case len(maybe) > 0:
		a.affects, a.reason, a.evidence = release.Unknown, "The repository has the name, but whether it is ZenML's is not known.", k.evidence(maybe)
		a.decide = fmt.Sprintf("whether %s:%d is about ZenML (%s)", a.evidence[0].File, a.evidence[0].Line, a.evidence[0].Message)
		if kind := maybe[0].Kind; kind != usage.Member && kind != usage.Config && kind != usage.Route && kind != usage.Module {
			a.reason = "The repository uses it, like every user of ZenML."
			a.decide = fmt.Sprintf("whether %s:%d (%s) relies on what changed", a.evidence[0].File, a.evidence[0].Line, a.evidence[0].Message)
		}
	default:
		a.affects, a.reason = release.No, "Nothing that the change names is used."
		if dead := k.unreached(found); dead != "" {
			a.reason = dead
		}
	}
	return a
}

// unreached tells of a use that the new version never comes to.
func (k *Known) unreached(found []search) string {
	for _, s := range found {
		if name, ok := strings.CutPrefix(s.what, "uses of "); ok {
			name, _, _ = strings.Cut(name, " ")
			if list := k.Usage.PythonUnreached(name); len(list) > 0 {
				return fmt.Sprintf("It is used only where the new version never comes: %s:%d, %s.", list[0].File, list[0].Line, list[0].Unreached)
			}
		}
	}
	return ""
}

func (k *Known) where() string {
	return report.Count(k.Usage.PythonFiles, "Python file") + " and " + report.Count(k.Usage.OtherFiles, "other file")
}

func (k *Known) evidence(list []usage.Place) []release.Evidence {
	var out []release.Evidence
	for _, p := range list {
		out = append(out, release.Evidence{File: p.File, Line: p.Line, Message: k.describe(p)})
	}
	return distinct(out)
}

func (k *Known) describe(p usage.Place) string {
	if _, ok := k.removed(p); ok {
		return p.Name + ", which the new version no longer has"
	}
	switch p.Kind {
	case usage.Import:
		return "imports " + p.Name
	case usage.Subclass:
		return "class " + p.Text + " is built on " + p.Name
	case usage.Override:
		return "class " + p.Text + " overrides " + p.Name
	case usage.Member:
		return "." + p.Name + " of something whose type is not known"
	case usage.Command:
		return "runs " + p.Name
	case usage.REST, usage.Route:
		return strings.TrimSpace("calls " + strings.TrimSpace(p.Text+" "+p.Name))
	case usage.Helm:
		return "sets the Helm key " + p.Name
	case usage.Env:
		return "names the environment variable " + p.Name
	case usage.Config:
		return "has the key " + p.Name
	case usage.Value:
		return "gives " + p.Name + " " + strings.TrimPrefix(p.Text, "=")
	case usage.Word:
		return "has " + p.Name + " below " + p.Text
	case usage.Module:
		return "imports " + p.Name
	case usage.Call, usage.Attribute, usage.Decorator, usage.Keyword, usage.Reference:
	}
	return "uses " + p.Name
}
