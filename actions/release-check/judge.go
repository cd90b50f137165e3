package releasecheck

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/impact"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// fill turns what was gathered into the result and decides.
func (r *Result) fill(s *settings, g *gathered, now time.Time) error {
	crossed := s.crossed
	if crossed == nil { // the index did not answer: the notes' own versions are better than none
		var told []string
		for _, b := range g.bodies {
			told = append(told, b.Version)
		}
		crossed = version.Crossed(told, s.from, s.to)
	}
	r.Releases, r.Findings = release.Assess(g.bodies, crossed, now)
	if g.pair != nil {
		more := release.CompareMetadata(g.pair.OldMeta, g.pair.NewMeta)
		release.MarkDeclared(more, r.Findings)
		r.Findings = append(r.Findings, more...)
	}
	r.Python, r.Pins, r.Upgrade = python(s, g), g.pins, s.upgrade
	known := impact.Known{Tree: s.tree, Sets: s.sets, Gaps: s.gaps, Python: r.Python, Code: g.code, Pair: g.pair, Usage: g.usage, Old: g.older, New: g.newer}
	if g.code != nil && g.usage != nil {
		g.code.Reach(g.usage)
		g.code.Gaps = append(g.code.Gaps, unparsed(s.tree, g.usage, g.code.Gaps)...)
		broken, deprecated := known.Proven(s.from, s.to)
		g.code.Breakages, g.code.Deprecated = append(g.code.Breakages, broken...), append(g.code.Deprecated, deprecated...)
	}
	known.Answer(r.Findings)
	r.addChanged(s, g)
	if r.Server = g.use; g.use != nil {
		for i := range r.Findings {
			g.use.Answer(&r.Findings[i])
		}
	}
	if r.Migrations = g.migrations; r.Migrations != nil {
		r.Findings = append(r.Findings, migration.Findings(r.Migrations, r.Findings)...)
	}
	r.CodeGaps = []repo.Gap{}
	if g.code != nil {
		r.Code, r.Deprecated, r.CodeGaps = g.code.Breakages, g.code.Deprecated, append(r.CodeGaps, g.code.Gaps...)
	}
	r.Waivers = waive(r.Findings, s.cfg.Waivers, r.stands, func(v string) bool { return version.Compare(s.from, v) < 0 && version.Compare(v, s.to) <= 0 }, now)
	r.Path = g.path.Hops
	r.Matrix, r.MatrixNotes = matrix(s, r.Python.Unsupported)
	r.Reasons = slices.Concat([]verdict.Reason{}, s.upgrade.reasons(s), r.codeReasons(g), r.pinReasons(), r.pythonReasons(), r.noteReasons(s, g), r.pathReasons(g), r.migrationReasons(g), r.serverReasons(s, g), r.changedReasons(g), r.findingReasons(), r.waiverReasons(), r.matrixReasons())
	r.Decide("nothing_found")
	return r.plan(s, g)
}

// unparsed are the Python files that are not Python to the reader and name ZenML: the type checker guesses
// its way through them, which proves nothing.
func unparsed(t *repo.Tree, x *usage.Index, told []repo.Gap) []repo.Gap {
	var out []repo.Gap
	for _, gap := range x.Gaps {
		if !repo.IsPython(gap.File) || slices.ContainsFunc(told, func(g repo.Gap) bool { return g.File == gap.File }) {
			continue
		}
		if data, err := t.Read(gap.File); err == nil && bytes.Contains(bytes.ToLower(data), []byte("zenml")) {
			out = append(out, gap)
		}
	}
	return out
}

func (r *Result) codeReasons(g *gathered) []verdict.Reason {
	var out []verdict.Reason
	if g.usage == nil {
		out = append(out, verdict.Because(verdict.Unknown, "usage_unknown", "What the repository uses of ZenML could not be read.", []string{oneLine(g.noUsage)}))
	}
	if g.code == nil {
		return append(out, verdict.Because(verdict.Unknown, "code_unknown", "The code could not be checked against both versions.", []string{oneLine(g.noCode)}))
	}
	if len(g.code.Breakages) > 0 {
		out = append(out, verdict.Because(verdict.Block, "code_breaks",
			fmt.Sprintf("The code breaks in %s with ZenML %s.", report.Count(len(g.code.Breakages), "place"), *r.To), breakages(g.code.Breakages)))
	}
	if len(g.code.Gaps) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "code_unchecked", fmt.Sprintf("%s could not be checked.", report.Count(len(g.code.Gaps), "file")), gaps(g.code.Gaps)))
	}
	if len(g.code.Deprecated) > 0 {
		out = append(out, verdict.Because(verdict.Review, "deprecated_used",
			fmt.Sprintf("The code uses in %s what ZenML %s calls deprecated.", report.Count(len(g.code.Deprecated), "place"), *r.To), breakages(g.code.Deprecated)))
	}
	return out
}

func (r *Result) pinReasons() []verdict.Reason {
	if r.Pins == nil {
		return nil // python_unknown says why
	}
	var out []verdict.Reason
	var packages, evidence []string
	for _, c := range r.Pins.Conflicts {
		evidence = append(evidence, fmt.Sprintf("%s:%d: %s; %s", c.File, c.Line, c.Yours, c.NeededBy))
		if !slices.Contains(packages, c.Package) {
			packages = append(packages, c.Package)
		}
	}
	if len(packages) > 0 {
		out = append(out, verdict.Because(verdict.Block, "pin_conflict",
			fmt.Sprintf("The repository's pins (%s) cannot be installed together with ZenML %s.", strings.Join(packages, ", "), *r.To), evidence))
	}
	evidence = nil
	for _, a := range r.Pins.Already {
		evidence = append(evidence, fmt.Sprintf("%s, Python %s", a.Set, a.Python))
	}
	if len(evidence) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "pins_already_conflicting",
			fmt.Sprintf("Requirements do not hold together with ZenML %s either: already conflicting, so nothing can be said of the upgrade.", *r.From), evidence))
	}
	if len(r.Pins.Unjudged) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "pins_unknown", fmt.Sprintf("%s of the requirement files could not be judged.", report.Count(len(r.Pins.Unjudged), "part")), gaps(r.Pins.Unjudged)))
	}
	return out
}

func (r *Result) pythonReasons() []verdict.Reason {
	switch p := r.Python; {
	case len(p.Used) == 0:
		return []verdict.Reason{verdict.Because(verdict.Unknown, "python_unknown", "No file says which Python versions are in use: give python-versions.", nil)}
	case p.RequiresNew == nil:
		return []verdict.Reason{verdict.Because(verdict.Unknown, "python_unknown", fmt.Sprintf("Which Python versions ZenML %s supports is not known.", *r.To), nil)}
	case len(p.Unsupported) > 0:
		var evidence []string
		for _, u := range p.UsedFrom {
			if slices.Contains(p.Unsupported, u.Version) {
				evidence = append(evidence, u.Version+": "+u.Source)
			}
		}
		return []verdict.Reason{verdict.Because(verdict.Block, "python_unsupported",
			fmt.Sprintf("ZenML %s does not support Python %s (it requires %s).", *r.To, strings.Join(p.Unsupported, ", "), *p.RequiresNew), evidence)}
	}
	return nil
}

func (r *Result) noteReasons(s *settings, g *gathered) []verdict.Reason {
	var out []verdict.Reason
	if s.noIndex != nil {
		out = append(out, verdict.Because(verdict.Unknown, "versions_unknown", "The package index did not say which versions lie between.", []string{oneLine(s.noIndex)}))
	}
	if g.noNotes != nil {
		out = append(out, verdict.Because(verdict.Unknown, "notes_unreachable", "The release notes could not be read.", []string{oneLine(g.noNotes)}))
	}
	states := map[release.NotesState][]string{}
	for _, rel := range r.Releases {
		states[rel.Notes] = append(states[rel.Notes], rel.Version)
	}
	if v := states[release.Missing]; len(v) > 0 && g.noNotes == nil {
		out = append(out, verdict.Because(verdict.Unknown, "notes_missing", fmt.Sprintf("%s of %d have no release notes.", report.Count(len(v), "release"), len(r.Releases)), v))
	}
	if v := states[release.Pending]; len(v) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "notes_pending", fmt.Sprintf("The notes of %s are not written yet.", strings.Join(v, ", ")), v))
	}
	return out
}

// covered says whether all evidence lies where another check has judged it: in Python code that was
// checked and passed, or in the requirement of zenml itself.
func (r *Result) covered(evidence []release.Evidence) bool {
	for _, e := range evidence {
		if r.Pins != nil && slices.ContainsFunc(r.Pins.Files, func(p impact.Pin) bool { return p.File == e.File && p.Line == e.Line }) {
			continue
		}
		broken := slices.ContainsFunc(r.Code, func(b impact.Breakage) bool { return b.File == e.File && b.Line == e.Line })
		unchecked := slices.ContainsFunc(r.CodeGaps, func(g repo.Gap) bool { return g.File == e.File })
		if r.Code == nil || broken || unchecked || !strings.HasSuffix(e.File, ".py") {
			return false
		}
	}
	return true
}
