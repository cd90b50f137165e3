package stagingupgrade

import (
	"database/sql"
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
	for _, c := range []struct {
		name    string
		arrange func(t *testing.T, in *Inputs) // what it changes it puts back
		want    []string                       // codes of problems
	}{
		{"newer than the target", func(t *testing.T, in *Inputs) { in.DatabaseURL = s.copyAt(t, "0.99.9") }, []string{"database_newer", "other_database"}},
		{"newer than the server", func(t *testing.T, in *Inputs) { in.DatabaseURL = s.copyAt(t, "0.97.0") }, []string{"database_version", "other_database"}},
		{"half migrated", func(t *testing.T, in *Inputs) { in.DatabaseURL = s.copyAt(t, "a71cca37e42d") }, []string{"database_half_migrated", "other_database"}},
		{"an equal copy", func(t *testing.T, in *Inputs) { in.DatabaseURL = s.copyAt(t, "0.85.0") }, []string{"other_database"}},
		{"an equal copy that no setting gives away", func(t *testing.T, in *Inputs) {
			in.DatabaseURL = s.copyAt(t, "0.85.0")
			settings, err := os.ReadFile(s.EnvFile)
			if err != nil {
				t.Fatal(err)
			}
			write := func(text string) {
				if err := os.WriteFile(s.EnvFile, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(strings.Replace(string(settings), "ZENML_STORE_URL=", "ZENML_STORE_NONE=", 1))
			t.Cleanup(func() { write(string(settings)) })
		}, []string{"other_database"}},
		{"target below the server", func(_ *testing.T, in *Inputs) { in.To = "0.84.3" }, []string{"database_newer", "not_an_upgrade"}},
		{"from is not what runs", func(_ *testing.T, in *Inputs) { in.From = "0.84.3" }, []string{"database_version", "old_python", "server_version"}},
		{"a backup of ZenML's", func(t *testing.T, _ *Inputs) {
			stale := strings.TrimSuffix(s.DBPath, ".db") + "-backup.db"
			if err := os.WriteFile(stale, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Remove(stale) })
		}, []string{"stale_zenml_backup"}},
		{"a run under way", func(t *testing.T, _ *Inputs) {
			execute(t, s.DBPath, "update pipeline_run set status = 'running', in_progress = 1, end_time = null")
			t.Cleanup(func() {
				execute(t, s.DBPath, "update pipeline_run set status = 'completed', in_progress = 0, end_time = start_time")
			})
		}, []string{"pipelines_running"}},
	} {
		modes := []upgrade.Mode{upgrade.Upgrade}
		if c.name == "an equal copy" {
			modes = append(modes, upgrade.Plan) // which looks at the same things
		}
		for _, mode := range modes {
			t.Run(c.name+", "+string(mode), func(t *testing.T) { // one after the other: they share the server
				in := s.inputs(mode)
				c.arrange(t, &in)
				res, err := s.act(t, in)
				if err != nil {
					t.Fatal(err)
				}
				want := map[upgrade.Mode]upgrade.Outcome{upgrade.Plan: upgrade.Planned, upgrade.Upgrade: upgrade.Refused}[mode]
				if res.Outcome != want || res.Decision != "block" {
					t.Errorf("outcome %q, decision %q", res.Outcome, res.Decision)
				}
				var codes []string
				for _, p := range res.Problems {
					if p.Blocks {
						codes = append(codes, p.Code)
					}
				}
				if slices.Sort(codes); !slices.Equal(codes, c.want) {
					t.Errorf("problems %q, want %q", codes, c.want)
				}
			})
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
	t.Run("wrong key", func(t *testing.T) {
		in := s.inputs(upgrade.Upgrade)
		in.ServerToken = "ZENKEY_" + "eyJpZCI6ICIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAiLCAia2V5IjogIngifQ=="
		_, err := s.act(t, in)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), "refused the key in server-token; nothing was changed; give an API key") {
			t.Errorf("got %v", err)
		}
	})
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
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
