package faults

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// upgraded is a site whose upgrade worked, and the content that it had before.
func upgraded(t *testing.T, kind string) (*standin.Site, database.Fingerprint) {
	t.Helper()
	s := standin.NewSite(t, kind, shared)
	old := s.Content(t)
	if r := s.Run(t, "upgrade", nil); r.Exit != 0 {
		t.Fatalf("the upgrade: exit %d\n%s", r.Exit, r.Told)
	}
	return s, old
}

// Going back later: the loss is shown first, and taken only when it is accepted; then all that was there
// is kept, what was written is exported without secrets, and the old data is back exactly.
func TestRollbackByHand(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{standin.SQLite, dbserver.MariaDB, dbserver.MySQL} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, old := upgraded(t, kind)
			if err := s.Post("since", "completed"); err != nil {
				t.Fatal(err)
			}
			if err := s.Post("under-way", "running"); err != nil {
				t.Fatal(err)
			}
			s.Exec(t, "UPDATE secret SET updated = '2037-01-01 00:00:00', name = 'renamed'")
			there := s.Content(t)

			r := s.Run(t, "rollback", nil)
			if r.Exit != 1 || r.Result.ReasonCode != "loss_not_accepted" || !strings.Contains(r.Text, "pipeline_run") || !strings.Contains(strings.Join(r.Result.Written, ";"), `"under-way" is under way`) {
				t.Fatalf("unasked: exit %d, %s, %v\n%s", r.Exit, r.Result.ReasonCode, r.Result.Written, r.Told)
			}
			if diff := there.Diff(s.Content(t)); len(diff) > 0 || s.Version() != standin.New {
				t.Errorf("the refused rollback changed something: %v, %s serves", diff, s.Version())
			}

			r = s.Run(t, "rollback", []string{"--accept-loss", "true"})
			if r.Exit != 4 || r.Result.Outcome != "rolled_back" || !strings.Contains(r.Text, "The server was put back") {
				t.Fatalf("accepted: exit %d, %s\n%s", r.Exit, r.Result.Outcome, r.Told)
			}
			if r.Result.From != standin.New || r.Result.To != standin.Old || s.Version() != standin.Old {
				t.Errorf("from %s to %s, %s serves", r.Result.From, r.Result.To, s.Version())
			}
			if c := r.Result.Content; c == nil || c.After == nil || *c.After != c.Before {
				t.Errorf("content %+v", c)
			}
			whole(t, s, kind, old, standin.Old)
			kept(t, s, there)
			exported(t, r)
			clean(t, s)

			r = s.Run(t, "upgrade", nil)
			if r.Exit != 0 || s.Version() != standin.New {
				t.Errorf("an upgrade after it: exit %d\n%s", r.Exit, r.Told)
			}
		})
	}
}

// kept wants the newest backup to hold what was there, but for runs that were stopped.
func kept(t *testing.T, s *standin.Site, there database.Fingerprint) {
	t.Helper()
	db, err := database.Open(s.Store, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := database.BackupsOf(s.Backups, db.URL())
	if err != nil || len(all) == 0 {
		t.Fatalf("%d backups: %v", len(all), err)
	}
	got := all[0].Fingerprint()
	delete(got.Tables, "api_key")
	diff := slices.DeleteFunc(there.Diff(got), func(d string) bool { return strings.Contains(d, `"pipeline_run"`) })
	if len(diff) > 0 || got.Tables["pipeline_run"].Rows != there.Tables["pipeline_run"].Rows || !all[0].Quiescent {
		t.Errorf("the newest backup does not hold what was there: %v", diff)
	}
}

func exported(t *testing.T, r standin.Ran) {
	t.Helper()
	if r.Result.Export == nil {
		t.Fatal("nothing was exported")
	}
	text, err := os.ReadFile(*r.Result.Export)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name":"since"`, `"name":"under-way"`, `stopped`, `"name":"renamed"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the export lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "train-1") {
		t.Errorf("the export holds what was not written since:\n%s", text)
	}
	if st, err := os.Stat(*r.Result.Export); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the export's mode: %v, %v", st.Mode(), err)
	}
}

// That keys were used since is no loss, and needs nobody's word. What is written after the loss was looked
// at does: the version that was stopped serves it again, and the next look shows it.
func TestRollbackByHandWhereNothingIsLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{standin.SQLite, dbserver.MySQL} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, old := upgraded(t, kind)
			if err := zenml.New(s.URL).LoginKey(t.Context(), s.Key); err != nil {
				t.Fatal(err)
			}
			wrote := func(t testing.TB, s *standin.Site) {
				t.Helper()
				if err := s.Post("late", "completed"); err != nil {
					t.Error(err)
				}
			}
			r := runWith(t, s, "rollback", nil, at("after drill the way back done", wrote))
			if r.Exit != 5 || !strings.Contains(r.Text, "which nobody accepted") || !strings.Contains(r.Text, "nothing was restored") || s.Version() != standin.New {
				t.Fatalf("written meanwhile: exit %d, %s serves\n%s\n%s", r.Exit, s.Version(), r.Told, r.Text)
			}
			if !strings.Contains(strings.Join(r.Result.Written, ";"), "pipeline_run") {
				t.Errorf("written since: %v", r.Result.Written)
			}
			if r := s.Run(t, "rollback", nil); r.Exit != 1 || r.Result.ReasonCode != "loss_not_accepted" || !strings.Contains(strings.Join(r.Result.Written, ";"), "pipeline_run") {
				t.Fatalf("after that: exit %d, %s, %v\n%s", r.Exit, r.Result.ReasonCode, r.Result.Written, r.Told)
			}
			s.Exec(t, "DELETE FROM pipeline_run WHERE name = 'late'")
			r = s.Run(t, "rollback", nil)
			if r.Exit != 4 || r.Result.Outcome != "rolled_back" || !strings.Contains(r.Text, "use_forgotten") || len(r.Result.Written) > 0 || s.Version() != standin.Old {
				t.Fatalf("keys were used: exit %d, %s, %v, %s serves\n%s", r.Exit, r.Result.Outcome, r.Result.Written, s.Version(), r.Told)
			}
			whole(t, s, kind, old, standin.Old)
			clean(t, s)
		})
	}
}

// A server that does not answer cannot stop what its rows tell of: that is shown. When nothing is under
// way, nothing but log-ins would be lost, and nobody is asked.
func TestRollbackByHandWithoutAServer(t *testing.T) {
	t.Parallel()
	s, old := upgraded(t, standin.SQLite)
	s.Stop(t)
	s.Exec(t, runsUnread[0])
	r := s.Run(t, "rollback", nil)
	if r.Exit != 1 || !strings.Contains(strings.Join(r.Result.Written, ";"), "whether pipelines are running is not known") {
		t.Errorf("rows that cannot be read: exit %d, %v\n%s", r.Exit, r.Result.Written, r.Told)
	}
	s.Exec(t, runsUnread[1], "UPDATE pipeline_run SET status = 'running' WHERE id = '"+standin.ID("r1")+"'")
	r = s.Run(t, "rollback", nil)
	if r.Exit != 1 || !strings.Contains(strings.Join(r.Result.Written, ";"), `the pipeline run "train-1" is under way, and nobody can be asked to stop it`) {
		t.Fatalf("exit %d, %v\n%s", r.Exit, r.Result.Written, r.Told)
	}
	s.Exec(t, "UPDATE pipeline_run SET status = 'completed' WHERE id = '"+standin.ID("r1")+"'")
	r = s.Run(t, "rollback", nil)
	if r.Exit != 4 || r.Result.Outcome != "rolled_back" || s.Version() != standin.Old {
		t.Fatalf("exit %d, %s\n%s", r.Exit, r.Result.Outcome, r.Told)
	}
	whole(t, s, standin.SQLite, old, standin.Old)
	clean(t, s)
}

// An upgrade that froze is answered by a rollback by hand.
func TestRollbackByHandOfAFrozenUpgrade(t *testing.T) {
	t.Parallel()
	s, old := frozen(t)
	r := s.Run(t, "rollback", nil)
	if r.Exit != 1 || r.Result.ReasonCode != "loss_not_accepted" {
		t.Fatalf("exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
	}
	if r := s.Run(t, "upgrade", nil); r.Exit != 4 || r.Result.Outcome != "frozen" {
		t.Fatalf("the frozen upgrade was forgotten: exit %d, %s\n%s", r.Exit, r.Result.Outcome, r.Told)
	}
	r = s.Run(t, "rollback", []string{"--accept-loss", "true"})
	if r.Exit != 4 || r.Result.Outcome != "rolled_back" || s.Version() != standin.Old {
		t.Fatalf("exit %d, %s\n%s", r.Exit, r.Result.Outcome, r.Told)
	}
	whole(t, s, standin.SQLite, old, standin.Old)
	clean(t, s)
	if r := s.Run(t, "plan", nil); r.Exit != 0 {
		t.Errorf("no upgrade is possible afterwards: exit %d\n%s", r.Exit, r.Told)
	}
}

// A rollback by hand that was cut off finds its backup altered: nothing is loaded from it, what was there is
// named, and with the backup whole again the next run ends what the first one began.
func TestRollbackByHandWhoseBackupWasAltered(t *testing.T) {
	t.Parallel()
	s, old := upgraded(t, standin.SQLite)
	if r := s.Run(t, "rollback", accepted, killEnv+"=after restore the old data begin"); r.Exit != -1 {
		t.Fatalf("the rollback was not killed: exit %d\n%s", r.Exit, r.Told)
	}
	exports, err := filepath.Glob(filepath.Join(s.Backups, "*.written.jsonl")) // beside the backup that is gone back to
	if err != nil || len(exports) != 1 {
		t.Fatalf("%v, %v", exports, err)
	}
	back := filepath.Join(strings.TrimSuffix(exports[0], ".written.jsonl"), "zenml.db")
	there := s.Content(t)
	files.Flip(t, back)
	r := s.Run(t, "rollback", accepted)
	if r.Exit != 5 || r.Result.Outcome != "rollback_failed" || !strings.Contains(r.Text, "cannot be trusted") || !strings.Contains(r.Text, "run mode rollback again: it goes on where this one stopped") {
		t.Errorf("altered: exit %d, %s\n%s\n%s", r.Exit, r.Result.Outcome, r.Told, r.Text)
	}
	if diff := there.Diff(s.Content(t)); len(diff) > 0 || s.Version() != "" {
		t.Errorf("something of an altered backup was loaded: %v, %q serves", diff, s.Version())
	}
	files.Flip(t, back)
	if r := s.Run(t, "rollback", accepted); r.Exit != 4 || r.Result.Outcome != "rolled_back" || s.Version() != standin.Old {
		t.Fatalf("whole again: exit %d, %s\n%s\n%s", r.Exit, r.Result.Outcome, r.Told, r.Text)
	}
	whole(t, s, standin.SQLite, old, standin.Old)
	clean(t, s)
}

// What stands against a rollback is told before anything is touched.
func TestRollbackByHandIsRefused(t *testing.T) {
	t.Parallel()
	s := standin.NewSite(t, standin.SQLite, shared)
	if r := s.Run(t, "rollback", nil); r.Exit != 1 || r.Result.ReasonCode != "no_backup" {
		t.Errorf("no backup: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
	}
	other, _ := upgraded(t, standin.SQLite)
	r := other.Run(t, "plan", nil)
	db, err := database.Open(other.Store, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := database.BackupsOf(other.Backups, db.URL())
	if err != nil || len(all) == 0 {
		t.Fatalf("%d backups: %v %s", len(all), err, r.Told)
	}
	if r := s.Run(t, "rollback", []string{"--backup", all[0].Path}); r.Exit != 1 || r.Result.ReasonCode != "other_database" {
		t.Errorf("another database's backup: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
	}
	if r := s.Run(t, "rollback", []string{"--to", standin.Old}); r.Exit != 2 {
		t.Errorf("to: exit %d\n%s", r.Exit, r.Told)
	}
}

// The running server is examined and nothing is changed.
func TestVerify(t *testing.T) {
	t.Parallel()
	s, _ := upgraded(t, standin.SQLite)
	there := s.Content(t)
	r := s.Run(t, "verify", nil)
	if r.Exit != 0 || r.Result.Outcome != "verified" || !strings.Contains(r.Text, "passed its examination") {
		t.Errorf("sound: exit %d, %s\n%s", r.Exit, r.Result.Outcome, r.Told)
	}
	for fault, check := range map[string]string{"new-asks-nobody": "permission boundaries"} {
		s.Fault(t, fault)
		if r := s.Run(t, "verify", nil); r.Exit != 1 || r.Result.ReasonCode != "verify_failed" || !strings.Contains(r.Text, check) {
			t.Errorf("%s: exit %d, %s\n%s", fault, r.Exit, r.Result.ReasonCode, r.Told)
		}
		s.Mend(t, fault)
	}
	s.Exec(t, "UPDATE alembic_version SET version_num = '1a2b3c4d5e6f'")
	if r := s.Run(t, "verify", nil); r.Exit != 1 || !strings.Contains(r.Text, "code and schema do not match") {
		t.Errorf("another schema: exit %d\n%s", r.Exit, r.Told)
	}
	s.Exec(t, "UPDATE alembic_version SET version_num = '0.98.0'")
	if diff := there.Diff(s.Content(t)); len(diff) > 0 {
		t.Errorf("verify changed something: %v", diff)
	}
	clean(t, s)
}

// frozen is a site whose new version was opened and then found wanting, after somebody had written.
func frozen(t *testing.T) (*standin.Site, database.Fingerprint) {
	t.Helper()
	s := standin.NewSite(t, standin.SQLite, shared)
	old := s.Content(t)
	r := s.Run(t, "upgrade", nil, killEnv+"=before open to the public done")
	if r.Exit != -1 {
		t.Fatalf("the run was not killed: exit %d\n%s", r.Exit, r.Told)
	}
	if s.Version() != standin.New {
		t.Fatalf("the new version was not opened: %q", s.Version())
	}
	if err := s.Post("since", "completed"); err != nil {
		t.Fatal(err)
	}
	r = s.Run(t, "upgrade", nil)
	if r.Exit != 4 || r.Result.Outcome != "frozen" || s.Version() != standin.New {
		t.Fatalf("exit %d, %s\n%s", r.Exit, r.Result.Outcome, r.Told)
	}
	return s, old
}
