package releasecheck

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/migration"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// runtime is a real one on a repository, or skips when uv, ty or pip is missing.
func runtime(t *testing.T, repo string) *action.Runtime {
	t.Helper()
	machine.Manager(t)
	repo, err := filepath.Abs(repo)
	if err != nil {
		t.Fatal(err)
	}
	return &action.Runtime{Environ: machine.Environ(t), Now: time.Now, OutDir: t.TempDir(), CacheDir: machine.Cache(t), Repo: repo}
}

func run(t *testing.T, rt *action.Runtime, in Inputs) *Result {
	t.Helper()
	c := &check{inputs: in}
	if err := c.Check(t.Context(), rt); err != nil {
		t.Fatal(err)
	}
	res, err := c.Run(t.Context(), rt)
	if err != nil {
		t.Fatal(err)
	}
	r := res.(*Result)
	for _, reason := range r.Reasons {
		if slices.Contains([]string{"versions_unknown", "pins_unknown"}, reason.Code) && strings.Contains(fmt.Sprint(reason.Evidence), "did not") {
			t.Skip("skipped: the package index did not answer")
		}
	}
	return r
}

func codes(r *Result) []string {
	var out []string
	for _, x := range r.Reasons {
		out = append(out, string(x.Decision)+" "+x.Code)
	}
	return out
}

func TestExampleIsBlocked(t *testing.T) {
	t.Parallel()
	notes := "../../../shared/data/releases/changelog.json"
	if _, err := os.Stat(notes); err != nil {
		t.Skip("skipped: ../shared/data/releases is not there")
	}
	r := run(t, runtime(t, "../../examples/churn"), Inputs{From: "0.85.0", To: "0.98.0", Releases: notes})
	want := []string{"block code_breaks", "block pin_conflict", "block breaking_affects", "unknown notes_missing", "review breaking_named", "review breaking_unjudged", "review migrations_destructive"}
	if d := cmp.Diff(want, codes(r)); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	if r.Decision != verdict.Block || r.ReasonCode != "code_breaks" || len(r.Code) != 2 || len(r.Pins.Conflicts) != 1 {
		t.Errorf("decision %s (%s), code %v, conflicts %v", r.Decision, r.ReasonCode, r.Code, r.Pins.Conflicts)
	}
	i := slices.IndexFunc(r.Migrations, func(m migration.Migration) bool { return m.Revision == "9f2b8c7d6e5a" })
	if i < 0 || r.Migrations[i].Version != "0.97.0" || !*r.Migrations[i].Destructive {
		t.Errorf("migrations %+v", r.Migrations)
	}
	if len(r.Path) != 1 || *r.Path[0].Python != "3.11" || r.Path[0].Clients != hops.Together {
		t.Errorf("path %+v", r.Path)
	}
	var answers []string
	for _, f := range r.Findings {
		if f.Category != release.Breaking {
			continue
		}
		if f.Source == "notes" {
			answers = append(answers, f.Version+" "+string(f.Affects))
		}
		if f.Reason == "" || len(f.Searched) == 0 || (f.WouldDecide != nil) != (f.Affects == release.Unknown) {
			t.Errorf("finding %s has no ground: %+v", f.ID, f)
		}
	}
	// Looked at one by one: the client in requirements.txt, the two calls in scripts/audit_runs.py; whether
	// the server has run templates is the one thing that only the server can tell.
	wanted := []string{"0.90.0 yes", "0.90.0 unknown", "0.90.0 no", "0.93.0 no", "0.93.0 no", "0.93.0 no", "0.94.0 yes", "0.94.0 no"}
	if d := cmp.Diff(wanted, answers); d != "" {
		t.Errorf("whom the breaking changes hit (-want +got):\n%s", d)
	}
	if d := r.Document(); d.Decision != verdict.Block || len(d.Sections) < 5 || d.Sections[0].Title != "Which upgrade" || d.Sections[1].Title != "Code that breaks" {
		t.Errorf("the report begins with %q", d.Sections[0].Title)
	}
}

// repository writes a small one that nothing stands against, and notes for every release crossed.
func repository(t *testing.T, code string) (repo, notes string) {
	t.Helper()
	repo = t.TempDir()
	files := map[string]string{"requirements.txt": "zenml==0.97.0\n", ".python-version": "3.11\n", "a.py": code}
	for name, text := range files {
		p := filepath.Join(repo, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	notes = filepath.Join(t.TempDir(), "releases.json")
	text := `[{"tag_name":"0.98.0","published_at":"2026-01-02T00:00:00Z","html_url":null,"body":"## Breaking changes\n\n- The key ` + "`step_operator_flavor_x`" + ` was removed from the settings.\n- ` + "`Client.list_builds`" + ` returns the newest first.\n- Caching is more strict than before.\n\n## New\n\nMore of everything.\n"}]`
	if err := os.WriteFile(notes, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return repo, notes
}

func TestVerdictsOfASmallUpgrade(t *testing.T) {
	t.Parallel()
	clean := "from zenml import pipeline\n"
	generated := "## What's Changed\n* Tidy by @a in https://github.com/o/r/pull/1\n\n**Full Changelog**: https://github.com/o/r/compare/1...2\n"
	managed := "<!-- ZENML_GITBOOK_RELEASE_NOTES_START tag=0.98.0 -->\n### Improved\n- All is faster.\n<!-- ZENML_GITBOOK_RELEASE_NOTES_END tag=0.98.0 -->\n\n" + generated
	published := func(body string, at time.Time) string {
		return fmt.Sprintf(`[{"tag_name":"0.98.0","published_at":%q,"body":%q}]`, at.UTC().Format(time.RFC3339), body)
	}
	for name, tc := range map[string]struct {
		code, extra, notes, pythons string
		want                        verdict.Decision
		reason                      string
	}{
		"a person has to read":         {code: clean, want: verdict.Review, reason: "breaking_unjudged"},
		"a setting outside the code":   {code: clean, extra: "step_operator_flavor_x: 1\n", want: verdict.Block, reason: "breaking_affects"},
		"a name in code that passes":   {code: "from zenml.client import Client\nClient().list_builds()\n", want: verdict.Review, reason: "breaking_named"},
		"a file that is not Python":    {code: "from zenml import (\n", want: verdict.Unknown, reason: "code_unchecked"},
		"no notes":                     {code: clean, notes: "[]", want: verdict.Unknown, reason: "notes_missing"},
		"notes that are not written":   {code: clean, notes: published(generated, time.Now().AddDate(0, 0, -13)), want: verdict.Unknown, reason: "notes_pending"},
		"they are, in ZenML's block":   {code: clean, notes: published(managed, time.Now().AddDate(0, 0, -13)), want: verdict.Pass, reason: "nothing_found"},
		"they will not be any more":    {code: clean, notes: published(generated, time.Now().AddDate(0, 0, -15)), want: verdict.Pass, reason: "nothing_found"},
		"notes that are too long":      {code: clean, notes: published(strings.Repeat("#", 5<<20), time.Now()), want: verdict.Unknown, reason: "notes_missing"},
		"an integration that changes":  {code: clean + "from zenml.integrations.langchain import x as _\n", notes: published(managed, time.Now()), want: verdict.Review, reason: "findings_affect"},
		"a Python that is not taken":   {code: clean, pythons: "3.9,3.11", want: verdict.Block, reason: "python_unsupported"},
		"a module that hides the real": {code: clean, extra: "zenml", want: verdict.Unknown, reason: "code_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo, notes := repository(t, tc.code)
			extra := map[string]string{}
			if tc.notes != "" {
				extra[notes] = tc.notes
			}
			if tc.extra == "zenml" {
				extra[filepath.Join(repo, "zenml.py")] = "x = 1\n"
			} else if tc.extra != "" {
				extra[filepath.Join(repo, "settings.yaml")] = tc.extra
			}
			for p, text := range extra {
				if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := run(t, runtime(t, repo), Inputs{To: "0.98.0", Releases: notes, PythonVersions: tc.pythons})
			if r.Decision != tc.want || r.ReasonCode != tc.reason {
				t.Errorf("got %s (%s), want %s (%s): %v", r.Decision, r.ReasonCode, tc.want, tc.reason, codes(r))
			}
		})
	}
}

// A waiver lifts a declared change, until its day has passed.
func TestWaiver(t *testing.T) {
	t.Parallel()
	repo, notes := repository(t, "from zenml import pipeline\n")
	in := Inputs{To: "0.98.0", Releases: notes}
	rt := runtime(t, repo)
	first := run(t, rt, in)
	i := slices.IndexFunc(first.Findings, func(f release.Finding) bool { return f.Category == release.Breaking && f.Affects == release.Unknown })
	if i < 0 {
		t.Fatalf("no breaking finding: %+v", first.Findings)
	}
	id := first.Findings[i].ID
	for name, tc := range map[string]struct {
		finding, expires, state string
		want                    verdict.Decision
		code                    string
	}{
		"it holds":                 {id, "2999-01-01", "applied", verdict.Pass, "nothing_found"},
		"it expired":               {id, "2001-01-01", "expired", verdict.Block, "waiver_expired"},
		"a slip of the pen":        {id[:len(id)-1], "2999-01-01", "unknown_finding", verdict.Review, "breaking_unjudged"},
		"a finding of long ago":    {"0.80.0-breaking-0123456789", "2001-01-01", "other_upgrade", verdict.Review, "breaking_unjudged"},
		"a finding that is no hit": {first.Findings[needless(first)].ID, "2001-01-01", "needless", verdict.Review, "breaking_unjudged"},
	} {
		text := fmt.Sprintf("waivers:\n  - finding: %s\n    owner: me\n    reason: not used\n    expires: %q\n", tc.finding, tc.expires)
		if err := os.MkdirAll(filepath.Join(repo, ".github"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(repo, ".github", "zenml-upgrade.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := run(t, rt, in)
		if r.Decision != tc.want || r.ReasonCode != tc.code || len(r.Waivers) != 1 || string(r.Waivers[0].State) != tc.state {
			t.Errorf("%s: got %s %v, waivers %+v", name, r.Decision, codes(r), r.Waivers)
		}
		told := slices.ContainsFunc(r.Reasons, func(x verdict.Reason) bool {
			return x.Code == "waiver_unknown" && strings.Contains(x.Evidence[0], "did you mean "+id)
		})
		if told != (tc.state == "unknown_finding") {
			t.Errorf("%s: an unknown finding is told: %v", name, told)
		}
	}
}

func needless(r *Result) int {
	return slices.IndexFunc(r.Findings, func(f release.Finding) bool { return f.Source == "migrations" })
}
