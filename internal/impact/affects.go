package impact

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Known is what answers whether a finding hits the repository.
type Known struct {
	Tree   *repo.Tree
	Sets   []repo.Set
	Gaps   []repo.Gap // requirement files that could not be judged
	Python Python     // judged
	Code   *Code      // nil when the code could not be checked
}

// mostEvidence bounds the places told for one finding.
const mostEvidence = 10

// Answer fills in Affects, Searched and Evidence of every finding, and links breakages in the code
// with the findings that name the same thing.
func (k *Known) Answer(findings []release.Finding) {
	words := k.index()
	for i := range findings {
		f := &findings[i]
		f.Affects, f.Searched, f.Evidence = release.Unknown, []string{}, []release.Evidence{}
		switch {
		case f.Category == release.PythonSupport:
			k.python(f)
			continue
		case f.Category == release.Dependency && f.Source == "metadata":
			k.dependency(f, words)
			continue
		}
		k.link(f)
		names := specific(Names(f.Text))
		if len(names) > 0 {
			f.Searched = append(f.Searched, "files of the repository for "+strings.Join(names, ", "))
		}
		for _, n := range names {
			f.Evidence = append(f.Evidence, words.find(n)...)
		}
		f.Evidence = distinct(f.Evidence)
		if len(f.Evidence) > 0 {
			f.Affects = release.Yes
		} else if f.Category == release.Helm {
			f.Searched = append(f.Searched, "file names and words of the repository for helm")
			if len(k.Tree.Skipped) == 0 && len(words.find("helm")) == 0 && !slices.ContainsFunc(k.Tree.Files, helmFile) {
				f.Affects = release.No
			}
		}
	}
}

func helmFile(p string) bool {
	return path.Base(p) == "Chart.yaml" || strings.Contains(strings.ToLower(p), "helm")
}

func distinct(list []release.Evidence) []release.Evidence {
	type place struct {
		file string
		line int
	}
	seen := map[place]bool{}
	list = slices.DeleteFunc(list, func(e release.Evidence) bool {
		p := place{e.File, e.Line}
		was := seen[p]
		seen[p] = true
		return was
	})
	return list[:min(len(list), mostEvidence)]
}

func (k *Known) python(f *release.Finding) {
	f.Searched = append(f.Searched, "the Python versions in use against ZenML's Requires-Python")
	switch {
	case k.Python.Supported == nil:
	case *k.Python.Supported:
		f.Affects = release.No
	default:
		f.Affects = release.Yes
		for _, u := range k.Python.UsedFrom {
			if slices.Contains(k.Python.Unsupported, u.Version) {
				f.Evidence = append(f.Evidence, release.Evidence{File: u.Source, Message: "Python " + u.Version + " is used and not supported"})
			}
		}
	}
}

// dependency asks whether the repository requires or imports a package of ZenML's own.
func (k *Known) dependency(f *release.Finding, words *wordIndex) {
	name, _, _ := strings.Cut(f.Title, " ")
	f.Searched = append(f.Searched, "requirement files for "+name, "imports of "+name)
	for _, s := range k.Sets {
		for _, l := range slices.Concat(s.Lines, s.Constraints) {
			if l.Name == pyenv.Normalize(name) {
				f.Evidence = append(f.Evidence, release.Evidence{File: l.File, Line: l.Line, Message: "requires " + l.Name})
			}
		}
	}
	module := strings.ReplaceAll(pyenv.Normalize(name), "-", "_")
	for _, e := range words.find(module) {
		if repo.IsPython(e.File) {
			f.Evidence = append(f.Evidence, e)
		}
	}
	if f.Evidence = distinct(f.Evidence); len(f.Evidence) > 0 {
		f.Affects = release.Yes
	} else if len(k.Tree.Skipped)+len(k.Gaps) == 0 && !importedOtherwise[module] && !strings.Contains(f.Title, "only extras need it") {
		// What moved to an extra may be missed by ZenML itself, which no search here can tell.
		f.Affects = release.No
	}
}

// importedOtherwise are ZenML's requirements whose module has another name: their imports cannot be
// searched for by the package's name.
var importedOtherwise = map[string]bool{
	"gitpython": true, "python_dateutil": true, "pyyaml": true, "pymysql": true, "pyjwt": true, "python_multipart": true,
	"azure_mgmt_resource": true, "setuptools": true,
}

// link ties a finding to the breakages whose symbol its text names.
func (k *Known) link(f *release.Finding) {
	if k.Code == nil {
		return
	}
	told := Names(f.Text)
	for i := range k.Code.Breakages {
		b := &k.Code.Breakages[i]
		names := specific(Names(b.Message))
		if len(names) == 0 {
			continue
		}
		if symbol := names[len(names)-1]; slices.ContainsFunc(told, func(n string) bool { return containsWord(n, symbol) }) {
			b.Findings = append(b.Findings, f.ID)
			f.Evidence = append(f.Evidence, release.Evidence{File: b.File, Line: b.Line, Message: b.Message})
		}
	}
}

// common are names in backticks that every user of ZenML has in the code: meeting one proves nothing.
var common = []string{"Client", "ZenML", "Model", "Dict", "List", "Optional", "None", "True", "False", "README", "zenml.client", "zenml.yaml"}

var (
	versionLike = regexp.MustCompile(`^[<>=~v]*\d[\d.]*\w*$`)
	camel       = regexp.MustCompile(`[a-z][A-Z]`)
	callTail    = regexp.MustCompile(`\(.*\)$`)
)

// specific keeps the names that stand for one thing: dotted, joined or mixed-case, five characters
// or more. `name` or `step` is met everywhere.
func specific(names []string) []string {
	var out []string
	for _, n := range names {
		n = strings.Trim(callTail.ReplaceAllString(strings.TrimSpace(n), ""), "@ ")
		if len(n) < 5 || versionLike.MatchString(n) || slices.Contains(common, n) || strings.Contains(n, "://") {
			continue
		}
		if (strings.ContainsAny(n, "._-/ ") || camel.MatchString(n)) && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// wordIndex finds names in the repository's files without reading them once a name.
type wordIndex struct {
	lines map[string][]string           // file to its lines
	at    map[string][]release.Evidence // word to places, without messages
}

var (
	word     = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
	searched = []string{".py", ".pyi", ".ipynb", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".tf", ".env", ".txt", ".in", ".mk", ".json"}
)

// mostPlaces bounds the places kept of one word.
const mostPlaces = 2000

func (k *Known) index() *wordIndex {
	x := &wordIndex{lines: map[string][]string{}, at: map[string][]release.Evidence{}}
	for _, p := range k.Tree.Files {
		base := path.Base(p)
		if !slices.Contains(searched, path.Ext(p)) && base != "Makefile" && !strings.HasPrefix(base, "Dockerfile") {
			continue
		}
		data, err := k.Tree.Read(p)
		if err != nil || bytes.IndexByte(data, 0) >= 0 {
			continue
		}
		lines := strings.Split(string(data), "\n")
		x.lines[p] = lines
		for n, l := range lines {
			for _, w := range word.FindAllString(l, -1) {
				places := x.at[w]
				if last := len(places) - 1; last < mostPlaces && (last < 0 || places[last].File != p || places[last].Line != n+1) {
					x.at[w] = append(places, release.Evidence{File: p, Line: n + 1})
				}
			}
		}
	}
	return x
}

// find returns the places that hold a name whole. Of a dotted name its last part counts too, when
// that is distinct by itself: `Client.list_runs` is written client.list_runs in code.
func (x *wordIndex) find(name string) []release.Evidence {
	tries := []string{name}
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i > 7 && strings.Contains(name[i:], "_") && !strings.ContainsAny(name, " /") {
		tries = append(tries, name[i+1:])
	}
	var out []release.Evidence
	for _, t := range tries {
		longest := ""
		for _, w := range word.FindAllString(t, -1) {
			if len(w) > len(longest) {
				longest = w
			}
		}
		for _, e := range x.at[longest] {
			if containsWord(x.lines[e.File][e.Line-1], t) {
				e.Message = fmt.Sprintf("names %s", t)
				out = append(out, e)
			}
			if len(out) > mostEvidence {
				break
			}
		}
	}
	return out
}

// containsWord says whether text holds name with no letter, digit or underscore beside it.
func containsWord(text, name string) bool {
	for rest, off := text, 0; ; {
		i := strings.Index(rest, name)
		if i < 0 {
			return false
		}
		i += off
		before, after := i == 0 || !wordByte(text[i-1]), i+len(name) == len(text) || !wordByte(text[i+len(name)])
		if before && after {
			return true
		}
		off = i + 1
		rest = text[off:]
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
