package repo

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// uvSettings are the settings of uv that change which versions are found.
type uvSettings struct {
	Index []struct {
		Name     string `toml:"name"`
		Explicit bool   `toml:"explicit"`
	} `toml:"index"`
	IndexURL     string         `toml:"index-url"`
	Extra        any            `toml:"extra-index-url"`
	Links        any            `toml:"find-links"`
	NoIndex      bool           `toml:"no-index"`
	Strategy     string         `toml:"index-strategy"`
	ExcludeNewer string         `toml:"exclude-newer"`
	Prerelease   string         `toml:"prerelease"`
	Resolution   string         `toml:"resolution"`
	Overrides    any            `toml:"override-dependencies"`
	Sources      map[string]any `toml:"sources"`
}

// sources is the part of a project's file that says where packages come from.
type sources struct {
	uvSettings // of uv.toml
	Tool       struct {
		UV     uvSettings `toml:"uv"`
		Poetry struct {
			Source []map[string]any `toml:"source"`
		} `toml:"poetry"`
		PDM struct {
			Source []map[string]any `toml:"source"`
		} `toml:"pdm"`
	} `toml:"tool"`
	Source []map[string]any `toml:"source"` // of a Pipfile
}

// Unfollowed returns what the repository's own settings say of where a set's packages come from. The
// checks do not follow it: a pull request could point them anywhere. uv takes its settings from the
// nearest folder above, the others from the project's own file.
func Unfollowed(t *Tree, s *Set) []Gap {
	var out []Gap
	seen := map[string]bool{}
	for _, f := range s.Files {
		for dir := path.Dir(f); ; dir = path.Dir(dir) {
			for _, base := range []string{"uv.toml", "pyproject.toml", "Pipfile"} {
				p := path.Join(dir, base)
				_, there := slices.BinarySearch(t.Files, p)
				if there && !seen[p] {
					out = append(out, unfollowed(t, p, slices.Contains(s.Files, p), s)...)
				}
				seen[p] = true
			}
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	return out
}

func unfollowed(t *Tree, p string, own bool, s *Set) []Gap {
	data, err := t.Read(p)
	var doc sources
	if err != nil || toml.Unmarshal(data, &doc) != nil {
		return []Gap{{File: p, Why: "it could not be read: whether it names an index is not known"}}
	}
	r := projectReader{file: p, lines: strings.Split(string(data), "\n")}
	var out []Gap
	gap := func(word, what string) {
		out = append(out, Gap{File: p, Line: r.find(word), Why: what + " is not followed: only the index that this machine is configured for is asked"})
	}
	u := doc.Tool.UV
	if path.Base(p) == "uv.toml" {
		u = doc.uvSettings
	}
	for _, i := range u.Index {
		if !i.Explicit { // an explicit one serves only what sources name
			gap("index]]", fmt.Sprintf("the index %q of uv's settings", i.Name))
		}
	}
	for word, set := range map[string]bool{
		"index-url": u.IndexURL != "", "extra-index-url": u.Extra != nil, "find-links": u.Links != nil, "no-index": u.NoIndex, "index-strategy": u.Strategy != "",
		"exclude-newer": u.ExcludeNewer != "", "prerelease": u.Prerelease != "", "resolution": u.Resolution != "",
		"override-dependencies": u.Overrides != nil && !own, // told of a project's own where it is read
	} {
		if set {
			gap(word, "uv's setting "+word)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Sources)) {
		if slices.ContainsFunc(slices.Concat(s.Lines, s.Constraints), func(l Line) bool { return l.Name == pyenv.Normalize(name) }) {
			gap(name, fmt.Sprintf("uv's source of %q", name))
		}
	}
	if own && len(doc.Tool.Poetry.Source)+len(doc.Tool.PDM.Source) > 0 {
		gap("source]]", "the project's package source")
	}
	if own && path.Base(p) == "Pipfile" && (len(doc.Source) > 1 || len(doc.Source) == 1 && doc.Source[0]["name"] != "pypi") {
		gap("source]]", "the Pipfile's own package source") // the one that every Pipfile begins with is the public index
	}
	slices.SortFunc(out, func(a, b Gap) int { return cmp.Or(a.Line-b.Line, cmp.Compare(a.Why, b.Why)) })
	return out
}
