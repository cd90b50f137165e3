package releasecheck

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// A breaking change that hits is lifted only when its migration is ticked; the tick is a step of the
// plan too. One of which it is not known whether it hits needs none.
func TestAcknowledgedChangesNeedTheirStep(t *testing.T) {
	t.Parallel()
	const id = "0.98.0-breaking-1"
	for name, tc := range map[string]struct {
		affects  release.Affects
		migrated string
		expires  string
		state    WaiverState
		codes    string
		step     checklist.State // of the plan; empty for none
	}{
		"it hits, nothing was done":    {release.Yes, "", "2999-01-01", StepOpen, "block breaking_affects, block migration_step_open", checklist.Open},
		"the step is said to be open":  {release.Yes, "false", "2999-01-01", StepOpen, "block breaking_affects, block migration_step_open", checklist.Open},
		"the step is ticked":           {release.Yes, "true", "2999-01-01", Applied, "", checklist.Done},
		"ticked, but the day is over":  {release.Yes, "true", "2001-01-01", Expired, "block breaking_affects, block waiver_expired", ""},
		"whether it hits is not known": {release.Unknown, "", "2999-01-01", Applied, "", ""},
		"it does not hit":              {release.No, "", "2999-01-01", Needless, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &Result{Findings: []release.Finding{{ID: id, Title: "a key went", Version: "0.98.0", Category: release.Breaking, Source: "notes", Affects: tc.affects, Evidence: []release.Evidence{{File: "settings.yaml", Line: 1}}}}}
			r.Waivers = waive(r.Findings, []config.Waiver{{Finding: id, Owner: "me", Reason: "x", Expires: tc.expires, Migrated: tc.migrated}}, r.stands, func(string) bool { return true }, time.Now())
			var got []string
			for _, x := range append(r.findingReasons(), r.waiverReasons()...) {
				got = append(got, string(x.Decision)+" "+x.Code)
				if x.Code == "migration_step_open" && !strings.Contains(x.Evidence[0], id+": acknowledged by me; when its migration is done, add \"migrated: true\"") {
					t.Errorf("what to do is not told: %s", x.Evidence)
				}
			}
			w := r.Waivers[0]
			if d := cmp.Diff(tc.codes, strings.Join(got, ", ")); d != "" || w.State != tc.state || (w.Migrated != nil) != (tc.affects == release.Yes) {
				t.Errorf("waiver %+v (-want +got):\n%s", w, d)
			}
			if err := r.plan(&settings{cfg: &config.Config{}}, &gathered{path: &hops.Path{}}); err != nil {
				t.Fatal(err)
			}
			if state := stateOf(r, "change-"+id); state != tc.step {
				t.Errorf("the plan's step is %q, want %q", state, tc.step)
			}
		})
	}
}

func stateOf(r *Result, id string) checklist.State {
	for _, p := range r.Checklist {
		for _, s := range p.Steps {
			if s.ID == id {
				return s.State
			}
		}
	}
	return ""
}

// many are n projects below services, with these Python versions of their own.
func many(n int, pythons ...string) *config.Config {
	cfg := &config.Config{}
	for i := range n {
		cfg.Projects = append(cfg.Projects, config.Project{Path: fmt.Sprintf("services/p%03d/", i), PythonVersions: pythons})
	}
	return cfg
}

func pythons(source string, versions ...string) []repo.Python {
	var out []repo.Python
	for _, v := range versions {
		out = append(out, repo.Python{Version: v, Source: source})
	}
	return out
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	fan, groups := strings.Split(strings.Join(suites, ","), ","), slices.Clone(compat.Groups)
	slices.Sort(fan)
	slices.Sort(groups)
	if d := cmp.Diff(groups, fan); d != "" {
		t.Errorf("groups of compat-test (-) and of the matrix (+):\n%s", d)
	}
	piped := many(1, "3.11")
	piped.Pipelines = []config.Pipeline{{Name: "train", Command: "python train.py"}}
	all := pythons("a file", "3.9", "3.10", "3.11", "3.12", "3.13")
	for name, tc := range map[string]struct {
		cfg     *config.Config
		sets    []repo.Set
		pythons []repo.Python
		cells   int
		first   string
		last    string
		notes   string
	}{
		"one project":                  {cfg: many(1, "3.11"), pythons: all, cells: 5, first: "services/p000 3.11 basic,integration,tracking none", last: "services/p000 3.11 dashboard none"},
		"no configuration":             {cfg: &config.Config{}, sets: []repo.Set{{Name: "requirements.txt"}, {Name: "requirements-dev.txt"}, {Name: "b/requirements/base.txt"}, {Name: "c/pyproject.toml [dev]"}}, pythons: pythons("x", "3.11"), cells: 15, first: ". 3.11 basic,integration,tracking none", last: "c 3.11 dashboard none"},
		"with pipelines of its own":    {cfg: piped, pythons: pythons("x", "3.11", "3.12"), cells: 7, first: "services/p000 3.11 basic,integration,tracking none", last: ". 3.12 none all"},
		"a Python that ends":           {cfg: many(1, "3.9", "3.11"), pythons: pythons("x", "3.9", "3.11"), cells: 5, first: "services/p000 3.11 basic,integration,tracking none", last: "services/p000 3.11 dashboard none"},
		"an input overrules":           {cfg: many(1, "3.11"), pythons: pythons(sourceInput, "3.12"), cells: 5, first: "services/p000 3.12 basic,integration,tracking none", last: "services/p000 3.12 dashboard none"},
		"none is known":                {cfg: many(3)},
		"just as many as there may be": {cfg: many(51, "3.11"), pythons: all, cells: 255, first: "services/p000 3.11 basic,integration,tracking none", last: "services/p050 3.11 dashboard none"},
		"the suite is folded": {cfg: many(52, "3.11"), pythons: all, cells: 52, first: "services/p000 3.11 basic,complex,artifact,integration,stack,connector,tracking,snapshot,client,dashboard none",
			last: "services/p051 3.11 basic,complex,artifact,integration,stack,connector,tracking,snapshot,client,dashboard none", notes: "the suite's 10 groups run in one job: a matrix may hold 256 jobs"},
		"Pythons are left out": {cfg: many(100), pythons: all, cells: 200, first: "services/p000 3.10 basic,complex,artifact,integration,stack,connector,tracking,snapshot,client,dashboard none",
			last: "services/p099 3.13 basic,complex,artifact,integration,stack,connector,tracking,snapshot,client,dashboard none", notes: "left out: 200 of 400 jobs on Python versions between the oldest and the newest of a project"},
		"projects are left out": {cfg: many(129), pythons: pythons("x", "3.11", "3.12"), cells: 256, first: "services/p000 3.11 basic,complex,artifact,integration,stack,connector,tracking,snapshot,client,dashboard none",
			last: "services/p127 3.12 basic,complex,artifact,integration,stack,connector,tracking,snapshot,client,dashboard none", notes: "left out: 2 jobs that do not fit: services/p128 on Python 3.11, services/p128 on Python 3.12"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, notes := matrix(&settings{cfg: tc.cfg, sets: tc.sets, pythons: tc.pythons, from: "0.85.0", to: "0.98.0"}, []string{"3.9"})
			if len(m.Include) != tc.cells || m.Include == nil || len(m.Include) > mostCells {
				t.Fatalf("%d cells, want %d", len(m.Include), tc.cells)
			}
			if tc.cells > 0 {
				for want, c := range map[string]compat.Cell{tc.first: m.Include[0], tc.last: m.Include[len(m.Include)-1]} {
					if got := fmt.Sprint(c.Project, " ", c.Python, " ", c.Suite, " ", c.Pipelines); got != want || c.From != "0.85.0" || c.To != "0.98.0" {
						t.Errorf("cell %q, want %q", got, want)
					}
				}
			}
			if text := strings.Join(notes, "\n"); !strings.Contains(text, tc.notes) || (tc.notes == "") != (text == "") {
				t.Errorf("notes %q", text)
			}
			r := &Result{Matrix: m, MatrixNotes: notes}
			if told := len(r.matrixReasons()) > 0; told != strings.Contains(tc.notes, "left out") {
				t.Errorf("that something is left out is a reason: %v", told)
			}
			var back map[string][]compat.Cell
			if err := json.Unmarshal([]byte(r.Outputs()["matrix"]), &back); err != nil || len(back) != 1 || len(back["include"]) != tc.cells {
				t.Errorf("the output is no matrix: %v %v", back, err)
			}
			if _, err := compat.ParseMatrix(r.Outputs()["matrix"]); (err == nil) != (tc.cells > 0) {
				t.Errorf("compat-test reads the output: %v", err)
			}
		})
	}
}
