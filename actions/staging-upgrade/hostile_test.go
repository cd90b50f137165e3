package stagingupgrade

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// What a real server and its database say against an upgrade is found by the plan and stops the
// upgrade before it makes anything; the server goes on and nothing in the database changes.
func TestAnUpgradeIsRefusedBeforeItTouchesAnything(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.content(t)
	for _, c := range s.hostile(t) {
		modes := []upgrade.Mode{upgrade.Upgrade}
		if c.name == "an equal copy" {
			modes = append(modes, upgrade.Plan) // which looks at the same things
		}
		for _, mode := range modes { // one after the other: they share the server
			in := s.inputs(mode)
			c.change(&in)
			c.make()
			res, err := s.act(t, in)
			c.end()
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			want := map[upgrade.Mode]upgrade.Outcome{upgrade.Plan: upgrade.Planned, upgrade.Upgrade: upgrade.Refused}[mode]
			if res.Outcome != want || res.Decision != "block" {
				t.Errorf("%s: outcome %q, decision %q", c.name, res.Outcome, res.Decision)
			}
			if codes := blocking(res); !slices.Equal(codes, c.want) {
				t.Errorf("%s: problems %q, want %q", c.name, codes, c.want)
			}
		}
	}
	if diff := before.Diff(s.content(t)); len(beyondUse(diff)) > 0 && !onlyRuns(diff) {
		t.Errorf("the database changed: %v", diff)
	}
	if s.version(t) != "0.85.0" {
		t.Error("the old version does not answer")
	}
	if made, err := filepath.Glob(filepath.Join(s.backups, "*", "manifest.json")); err != nil || len(made) > 0 {
		t.Errorf("a refused upgrade left backups: %v %v", made, err)
	}
	in := s.inputs(upgrade.Upgrade)
	in.ServerToken = "ZENKEY_" + "eyJpZCI6ICIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAiLCAia2V5IjogIngifQ=="
	if _, err := s.act(t, in); !fault.IsInput(err) || !strings.Contains(err.Error(), "refused the key in server-token; nothing was changed; give an API key") {
		t.Errorf("with a wrong key: %v", err)
	}
	s.rehearseAtNight(t)
}

// hostile is one thing that stands against an upgrade.
type hostile struct {
	name      string
	change    func(in *Inputs)
	make, end func()   // what is wrong on the machine, and its end
	want      []string // codes of problems
}

func (s *site) hostile(t *testing.T) []hostile {
	t.Helper()
	settings, err := os.ReadFile(s.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	nameless := strings.Replace(string(settings), "ZENML_STORE_URL=", "ZENML_STORE_NONE=", 1)
	stale := strings.TrimSuffix(s.DBPath, ".db") + "-backup.db"
	copied := func(revision string) func(*Inputs) {
		url := s.copyAt(t, revision)
		return func(in *Inputs) { in.DatabaseURL = url }
	}
	none := func() {}
	return []hostile{
		{"newer than the target", copied("0.99.9"), none, none, []string{"database_newer", "other_database"}},
		{"newer than the server", copied("0.97.0"), none, none, []string{"database_version", "other_database"}},
		{"half migrated", copied("a71cca37e42d"), none, none, []string{"database_half_migrated", "other_database"}},
		{"an equal copy", copied("0.85.0"), none, none, []string{"other_database"}},
		{
			"an equal copy that no setting gives away", copied("0.85.0"),
			func() { write(t, s.EnvFile, nameless) }, func() { write(t, s.EnvFile, string(settings)) }, []string{"other_database"},
		},
		{"target below the server", func(in *Inputs) { in.To = "0.84.3" }, none, none, []string{"database_newer", "not_an_upgrade"}},
		{"from is not what runs", func(in *Inputs) { in.From = "0.84.3" }, none, none, []string{"database_version", "old_python", "server_version"}},
		{
			"a backup of ZenML's", func(*Inputs) {},
			func() { write(t, stale, "old") }, func() { _ = os.Remove(stale) }, []string{"stale_zenml_backup"},
		},
		{
			"a run under way", func(*Inputs) {},
			func() {
				execute(t, s.DBPath, "update pipeline_run set status = 'running', in_progress = 1, end_time = null")
			},
			func() {
				execute(t, s.DBPath, "update pipeline_run set status = 'completed', in_progress = 0, end_time = start_time")
			}, []string{"pipelines_running"},
		},
	}
}

// blocking returns the codes of the problems that block, sorted.
func blocking(r *Result) []string {
	var codes []string
	for _, p := range r.Problems {
		if p.Blocks {
			codes = append(codes, p.Code)
		}
	}
	slices.Sort(codes)
	return codes
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// onlyRuns says whether nothing differs but what the cases did to the runs, and what use changes.
func onlyRuns(diff []string) bool {
	return !slices.ContainsFunc(beyondUse(diff), func(d string) bool { return !strings.Contains(d, `"pipeline_run"`) })
}

// copyAt is a copy of the server's database that stands at another revision.
func (s *site) copyAt(t *testing.T, revision string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	execute(t, s.DBPath, "vacuum into '"+path+"'")
	execute(t, path, "update alembic_version set version_num = '"+revision+"'")
	return "sqlite:///" + path
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	err := withDB(path, func(db *sql.DB) error {
		_, err := db.Exec(statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withDB uses a SQLite file that a server may have open.
func withDB(path string, use func(*sql.DB) error) error {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	return errors.Join(use(db), db.Close())
}
