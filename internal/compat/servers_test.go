package compat

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/guard"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	kit "github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// The team's own servers, an old one and its upgraded copy, hold after a test what they held before:
// every row of every table. What a killed test left there goes with the next.
func TestOwnServers(t *testing.T) {
	t.Parallel()
	w := kit.Of(t, "0.85.0")
	upgraded, newDB := upgradedCopy(t, w)
	before := [2]map[string][]string{rows(t, w.DBPath), rows(t, newDB)}
	tt := ownServersTest(t, w, upgraded)
	ctx := t.Context()

	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(tt.connect(ctx))
	// A test of an hour ago that was killed, and one that is ended in the middle.
	stale := newMark(time.Now().Add(-time.Hour))
	must(tt.guarded(ctx, tt.old, tt.theirOld, guard.Config{Mark: stale}, "", func(at *world) {
		if slices.ContainsFunc(at.env(), func(kv string) bool { return strings.Contains(kv, w.APIKey) }) {
			t.Error("what runs on the team's server gets its key")
		}
		must(at.ask(ctx, meetTimeout, func(line []byte) { t.Logf("the killed test: %s", line) }, "zu_team.py", stale, ownRun))
	}))
	if left, err := named(ctx, tt.theirOld.api, "/pipelines", "", leftBefore(time.Now())); err != nil || len(left) != 1 {
		t.Fatalf("the killed test left %v, %v; refused: %q", left, err, tt.theirOld.fact.Refused)
	}
	ended, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if runs, _ := named(ctx, tt.theirOld.api, "/runs", "", func(name string) bool { return !strings.HasPrefix(name, stale) }); len(runs) > 0 {
				return
			}
		}
	}()
	if m := tt.meet(ended, tt.old, tt.theirOld); m.checks.by["team:pipeline"].Status == Passed {
		t.Log("the pipeline was done before it was ended")
	}
	must(tt.connect(ctx))
	tt.visitServers(ctx)

	for i, path := range []string{w.DBPath, newDB} {
		after := rows(t, path)
		for table := range after {
			if d := cmp.Diff(before[i][table], after[table]); d != "" {
				t.Errorf("table %s of server %d (-before +after):\n%.1000s", table, i, d)
			}
		}
	}
	got := map[string][2]Status{}
	for _, c := range tt.res.Checks {
		got[c.Name] = [2]Status{c.Baseline.Status, c.Candidate.Status}
		t.Logf("%s: %s %q, %s %q", c.Name, c.Baseline.Status, value(c.Baseline.Detail), c.Candidate.Status, value(c.Candidate.Detail))
	}
	want := map[string][2]Status{"team:server": {Passed, Passed}, "team:pipeline": {Passed, Passed}, "team:lists": {Passed, Passed}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("checks (-want +got):\n%s", d)
	}
	fails := map[string][]string{}
	for _, s := range tt.res.Servers.Skew {
		t.Logf("client %s on %s: %s %s %.150s", s.Client, s.Server, s.Call, s.Status, value(s.Detail))
		if s.Status == Failed {
			fails[s.Client] = append(fails[s.Client], s.Call)
		}
	}
	if !slices.Contains(fails["0.85.0"], "list_flavors(size=500)") || !slices.Contains(fails["0.98.0"], "run a pipeline") {
		t.Errorf("calls that fail: %q", fails)
	}
	same := 0
	for _, a := range tt.res.Artifacts {
		t.Logf("%s: %s %s %v %s", a.label(), a.LoadOld, a.LoadNew, a.SameValue, value(a.Cause))
		if a.Server == "yours" && a.SameValue != nil && *a.SameValue {
			same++
		}
	}
	if same == 0 || same != len(tt.res.Artifacts) {
		t.Errorf("%d of %d artifacts are the same", same, len(tt.res.Artifacts))
	}
	f := tt.res.Servers
	if len(f.gaps)+len(f.Old.Left)+len(f.New.Left)+len(f.written) > 0 {
		t.Errorf("gaps %q, left %q %q, written %q", f.gaps, f.Old.Left, f.New.Left, f.written)
	}
	if d := cmp.Diff([]string{}, append(f.Old.Refused, f.New.Refused...)); d != "" {
		t.Errorf("requests that were not let through (-want +got):\n%s", d)
	}

	// With leave to write the repository's pipelines run there.
	out := attempts{}
	tt.writeOn(ctx, tt.old, tt.theirOld, &out)
	for _, name := range []string{"team:writes", "team:pipeline:world_pipeline"} {
		if at := out.by[name]; at.Status != Passed {
			t.Errorf("%s: %s %q", name, at.Status, value(at.Detail))
		}
	}
	if after := rows(t, w.DBPath); len(after["pipeline_run"]) != len(before[0]["pipeline_run"])+1 {
		t.Errorf("%d runs became %d", len(before[0]["pipeline_run"]), len(after["pipeline_run"]))
	}
}

// ownServersTest is a test of two servers of a team's with its clients, and no throw-away servers.
func ownServersTest(t *testing.T, w *kit.World, upgraded string) *test {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.ContentDir, "requirements.txt"), []byte("zenml[server]==0.85.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{
		Pipelines: []config.Pipeline{{Name: "world_pipeline", Command: "python content.py"}},
		From:      "0.85.0", To: "0.98.0", Suite: []string{"client"}, Artifacts: Selection{-1}, Python: ">=3.10,<3.12", Pyenv: machine.Manager(t), Environ: os.Environ(),
		Repo:    w.ContentDir,
		Servers: OwnServers{Old: &Address{URL: w.URL, Key: w.APIKey, Production: true}, New: &Address{URL: upgraded, Key: w.APIKey}, ArtifactRoot: w.StoresPath},
	}
	tt, err := newTest(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := tt.clientEnvs(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface{ build(repo string) error }{tt.old, tt.new} {
		if err := w.build(o.Repo); err != nil {
			t.Fatal(err)
		}
	}
	return tt
}

// upgradedCopy starts a server of 0.98.0 on a copy of a world's database, and returns its address.
func upgradedCopy(t *testing.T, w *kit.World) (address, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "new.db")
	if err := database.Snapshot(t.Context(), w.DBPath, path); err != nil {
		t.Fatal(err)
	}
	python, err := kit.Interpreter(t.Context(), os.Environ(), machine.Cache(t), "0.98.0", "")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := server.ReadEnvFile(w.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Start(t.Context(), server.Config{Python: python, StoreURL: "sqlite:///" + path, Dir: t.TempDir(), Env: settings, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	// The first log-in writes what later ones do not.
	if err := zenml.New(s.PrivateURL()).LoginKey(t.Context(), w.APIKey); err != nil {
		t.Fatal(err)
	}
	return s.PrivateURL(), path
}

// passing are columns that every log-in and every look writes; the steps of onboarding are a set that each
// run writes anew in an order of chance.
var passing = map[string]bool{"server_settings.onboarding_state": true, "api_key.last_login": true, "server_settings.last_user_activity": true, "api_key.updated": true, "server_settings.updated": true}

// rows reads a database: the rows of each table, sorted.
func rows(t *testing.T, path string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string][]string{}
	// A server's memory of the requests of the last minutes (api_transaction) is not what it holds.
	for _, table := range query(t, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'api_transaction%'") {
		var columns []string
		for _, c := range query(t, db, "SELECT name FROM pragma_table_info('"+table+"')") {
			if !passing[table+"."+c] {
				columns = append(columns, "quote(\""+c+"\")")
			}
		}
		out[table] = query(t, db, fmt.Sprintf("SELECT %s FROM %q ORDER BY 1", strings.Join(columns, " || ' ' || "), table))
	}
	return out
}

func query(t *testing.T, db *sql.DB, text string) []string {
	t.Helper()
	found, err := db.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	out := []string{}
	for found.Next() {
		var s string
		if err := found.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
