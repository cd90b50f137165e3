package releasecheck

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/apidiff"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/integrations"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// API tells how the APIs of the two versions differ. A difference that the repository uses or the
// notes tell is a finding too.
type API struct {
	Python *APIDifferences `json:"python"` // null when they could not be compared
	REST   *APIDifferences `json:"rest"`   // likewise
}

// APIDifferences are counted by kind (griffe's and oasdiff's words).
type APIDifferences struct {
	Changes  int            `json:"changes"`
	Kinds    map[string]int `json:"kinds"`
	Findings int            `json:"findings"` // how many findings came of them
}

// changed is what the two installed versions say of themselves beside their migrations.
type changed struct {
	older, newer   map[string]integrations.Integration
	python         []apidiff.PythonChange
	rest           []apidiff.RESTChange
	noIntegrations error // why not; nil when they were read
	noPython       error
	noREST         error
}

func (c *changed) failed(err error) { c.noIntegrations, c.noPython, c.noREST = err, err, err }

// readChanged reads it side by side.
func (g *gathered) readChanged(ctx context.Context, rt *action.Runtime, s *settings) {
	step := rt.Progress.Start("integrations and APIs of both versions")
	c, env := &g.changed, proc.BaseEnv(rt.Environ)
	compare := apidiff.Comparer{Dir: rt.CacheDir, Env: env, Old: g.pair.Old, New: g.pair.New}
	var group errgroup.Group
	group.Go(func() error {
		reader := integrations.Reader{Dir: rt.CacheDir, Env: env}
		if c.older, c.noIntegrations = reader.Read(ctx, g.pair.Old); c.noIntegrations == nil {
			c.newer, c.noIntegrations = reader.Read(ctx, g.pair.New)
		}
		return c.noIntegrations
	})
	group.Go(func() error {
		if compare.Griffe, c.noPython = s.manager.GriffePython(); c.noPython == nil {
			c.python, c.noPython = compare.Python(ctx)
		}
		return c.noPython
	})
	rest := compare
	group.Go(func() error {
		c.rest, c.noREST = rest.REST(ctx)
		return c.noREST
	})
	end(step, group.Wait(), fmt.Sprintf("%d integrations, %d and %d differences", len(c.newer), len(c.python), len(c.rest)))
}

// addChanged adds the findings of extras, integrations and APIs, and marks those of the notes.
func (r *Result) addChanged(s *settings, g *gathered) {
	notes := slices.Clone(r.Findings)
	if g.pair != nil {
		r.Findings = append(r.Findings, answerExtras(release.CompareExtras(g.pair.OldMeta, g.pair.NewMeta), s)...)
	}
	c := &g.changed
	if c.noIntegrations == nil {
		used := integrations.Search(s.tree, s.sets, s.gaps)
		r.Findings = append(r.Findings, integrations.Changes(c.older, c.newer, slices.Concat(g.pair.OldMeta.RequiresDist, g.pair.NewMeta.RequiresDist), s.to, used, notes)...)
	}
	used := uses{g.usage, g.usage != nil && len(g.usage.Gaps)+len(s.tree.Skipped) == 0}
	if c.noPython == nil {
		found := apidiff.PythonFindings(c.python, s.to, used, broken(g.code), notes)
		link(found, g.code)
		r.API.Python = differences(c.python, len(found), func(x apidiff.PythonChange) string { return x.Kind })
		r.Findings = append(r.Findings, found...)
	}
	if c.noREST == nil {
		found := apidiff.RESTFindings(c.rest, s.to, used, notes)
		r.API.REST = differences(c.rest, len(found), func(x apidiff.RESTChange) string { return x.Kind })
		r.Findings = append(r.Findings, found...)
	}
	r.api = c
	giveReasons(r.Findings[len(notes):])
	release.MarkSecurity(r.Findings, s.from)
	markPins(r.Findings, s.sets)
	for i := range r.Findings {
		if guide := hops.GuideOf(r.Findings[i].Version); guide != nil {
			r.Findings[i].Guide = &guide.URL
		}
	}
}

// uses answers where the repository uses an API, out of the index of its uses.
type uses struct {
	index *usage.Index // nil when it could not be read
	whole bool
}

// Python returns where code uses a name of ZenML's.
func (u uses) Python(qualified string) []release.Evidence {
	if u.index == nil {
		return nil
	}
	return evidenceOf(u.index.Python(qualified), "uses "+qualified)
}

// REST returns where a path of the server's API is called.
func (u uses) REST(method, path string) []release.Evidence {
	if u.index == nil {
		return nil
	}
	return evidenceOf(u.index.REST(method, path), "calls "+method+" "+path)
}

// Whole says whether every file was read: only then no place means no use.
func (u uses) Whole() bool { return u.whole }

func evidenceOf(list []usage.Place, message string) []release.Evidence {
	var out []release.Evidence
	for _, p := range list {
		out = append(out, release.Evidence{File: p.File, Line: p.Line, Message: message})
	}
	return out
}

// giveReasons says why findings of extras, integrations and APIs are answered as they are.
func giveReasons(findings []release.Finding) {
	for i := range findings {
		f := &findings[i]
		switch f.Affects {
		case release.Yes:
			f.Reason = "The repository uses it."
		case release.No:
			f.Reason = "Nothing of what was searched uses it."
		case release.Unknown:
			decide := "a look at the places named, or at the files that could not be read (code_gaps, pins.unjudged)"
			f.Reason, f.WouldDecide = "Whether what is used here is touched by it was not proved.", &decide
		}
	}
}

func differences[T any](list []T, findings int, kind func(T) string) *APIDifferences {
	d := &APIDifferences{Changes: len(list), Kinds: map[string]int{}, Findings: findings}
	for _, x := range list {
		d.Kinds[kind(x)]++
	}
	return d
}

// link ties breakages in the code to the findings that lie at the same place.
func link(findings []release.Finding, code *impact.Code) {
	if code == nil {
		return
	}
	for i := range code.Breakages {
		b := &code.Breakages[i]
		for _, f := range findings {
			if slices.ContainsFunc(f.Evidence, func(e release.Evidence) bool { return e.File == b.File && e.Line == b.Line }) {
				b.Findings = append(b.Findings, f.ID)
			}
		}
	}
}

// toldByCode says whether the code check objects at every one of these places.
func (r *Result) toldByCode(evidence []release.Evidence) bool {
	return len(evidence) > 0 && !slices.ContainsFunc(evidence, func(e release.Evidence) bool {
		return !slices.ContainsFunc(r.Code, func(b impact.Breakage) bool { return b.File == e.File && b.Line == e.Line })
	})
}

// broken asks the code check of a place: whether it objects, and whether it looked there.
func broken(code *impact.Code) apidiff.Broken {
	return func(e release.Evidence) (bool, bool) {
		if code == nil || !strings.HasSuffix(e.File, ".py") || slices.ContainsFunc(code.Gaps, func(x repo.Gap) bool { return x.File == e.File }) {
			return false, false
		}
		return slices.ContainsFunc(code.Breakages, func(b impact.Breakage) bool { return b.File == e.File && b.Line == e.Line }), true
	}
}

var zenmlExtras = regexp.MustCompile(`(?i)^zenml\s*\[([^\]]*)\]`)

// answerExtras asks which extras of ZenML the repository's requirements name.
func answerExtras(changes []release.ExtraChange, s *settings) []release.Finding {
	out := make([]release.Finding, 0, len(changes))
	for _, x := range changes {
		f := x.Finding
		f.Searched = append(f.Searched, fmt.Sprintf("requirement files for zenml[%s]", x.Extra))
		for _, set := range s.sets {
			for _, l := range slices.Concat(set.Lines, set.Constraints) {
				m := zenmlExtras.FindStringSubmatch(l.Text)
				e := release.Evidence{File: l.File, Line: l.Line, Message: "requires zenml[" + x.Extra + "]"}
				if m != nil && slices.ContainsFunc(strings.Split(m[1], ","), func(n string) bool { return pyenv.Normalize(strings.TrimSpace(n)) == x.Extra }) && !slices.Contains(f.Evidence, e) {
					f.Evidence = append(f.Evidence, e)
				}
			}
		}
		switch {
		case len(f.Evidence) > 0:
			f.Affects = release.Yes
		case len(s.tree.Skipped)+len(s.gaps) == 0:
			f.Affects = release.No
		}
		out = append(out, f)
	}
	return out
}

// markPins shows beside an advisory about a dependency where the repository requires that package.
func markPins(findings []release.Finding, sets []repo.Set) {
	for i := range findings {
		f := &findings[i]
		if f.Exposed == nil {
			continue
		}
		for _, set := range sets {
			for _, l := range slices.Concat(set.Lines, set.Constraints) {
				e := release.Evidence{File: l.File, Line: l.Line, Message: "requires " + l.Text + ", which the fix is about"}
				word := regexp.MustCompile(`(?i)(^|[^\w-])` + strings.ReplaceAll(regexp.QuoteMeta(l.Name), "-", "[-_. ]") + `($|[^\w-])`)
				if l.Name != "zenml" && word.MatchString(f.Text) && !slices.Contains(f.Evidence, e) {
					f.Evidence, f.Affects = append(f.Evidence, e), release.Yes
				}
			}
		}
	}
}

// changedReasons tells what could not be compared. It is for a person: the type check and the
// resolver have judged code and pins by other means.
func (r *Result) changedReasons(g *gathered) []verdict.Reason {
	if g.pair == nil {
		return nil // code_unknown says that nothing could be installed
	}
	var missing []string
	for _, err := range []error{g.changed.noIntegrations, g.changed.noPython, g.changed.noREST} {
		if err != nil {
			missing = append(missing, oneLine(err))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []verdict.Reason{verdict.Because(verdict.Review, "changes_unknown", "Not all that changed between the two versions could be read.", missing)}
}

// Files returns api-changes.json: every difference of the APIs, also those that are no finding.
func (r *Result) Files() (map[string][]byte, error) {
	if r.api == nil || r.API.Python == nil && r.API.REST == nil {
		return nil, nil
	}
	data, err := json.MarshalIndent(map[string]any{"python": r.api.python, "rest": r.api.rest}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding api-changes.json: %w", err)
	}
	return map[string][]byte{"api-changes.json": append(data, '\n')}, nil
}
