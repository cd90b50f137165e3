package faults

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
)

var update = flag.Bool("update", false, "write the tables of docs/faults.md anew")

// oneFault is a fault that is made for real, and what must come of it.
type oneFault struct {
	name    string // as docs/faults.md tells it
	kind    string // of the database; "": SQLite
	mode    string // "": upgrade
	args    []string
	environ []string
	before  func(*testing.T, *standin.Site)                    // the run
	at      map[string]func(testing.TB, *standin.Site)         // at entries of its journal: "after migrate begin"
	exit    int                                                // of the program
	outcome string                                             // "" when no verdict could be formed
	says    string                                             // in the report
	serves  string                                             // the version on the public address afterwards
	stays   []string                                           // tables in which somebody else's writes are kept
	then    func(t *testing.T, s *standin.Site, r standin.Ran) // what is done and looked at afterwards, before the data is
	leaves  bool                                               // processes or files of somebody else's making stay: not looked for
}

// run makes the fault and looks at what came of it: outcome, exit status, report, data.
func (f oneFault) run(t *testing.T) {
	t.Helper()
	kind, mode := f.kind, f.mode
	if kind == "" {
		kind = standin.SQLite
	}
	if mode == "" {
		mode = "upgrade"
	}
	s := standin.NewSite(t, kind, shared)
	old := s.Content(t)
	if f.before != nil {
		f.before(t, s)
	}
	r := runWith(t, s, mode, f.args, f.at, f.environ...)
	if r.Exit != f.exit || r.Result.Outcome != f.outcome || !strings.Contains(r.Text, f.says) {
		t.Errorf("exit %d, outcome %q, want %d, %q and %q in the report\n%s\n%s", r.Exit, r.Result.Outcome, f.exit, f.outcome, f.says, r.Told, r.Text)
	}
	if f.then != nil {
		f.then(t, s, r)
	}
	if v := s.Version(); v != f.serves {
		t.Errorf("version %q serves, want %q", v, f.serves)
	}
	want, got := old, s.Content(t)
	if f.serves == standin.New {
		want = s.Migrated(t, kind, standin.New)
	}
	for _, table := range f.stays {
		delete(want.Tables, table)
		delete(got.Tables, table)
	}
	if diff := want.Diff(got); len(diff) > 0 {
		t.Errorf("the data is neither fully old nor fully new: %v", diff)
	}
	if !f.leaves {
		clean(t, s)
	}
}

// runWith runs the program and does something at entries of its journal, while it waits.
func runWith(t *testing.T, s *standin.Site, mode string, args []string, at map[string]func(testing.TB, *standin.Site), environ ...string) standin.Ran {
	t.Helper()
	met := map[string]bool{}
	if at != nil {
		guide := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			entry := r.FormValue("entry")
			if do := at[entry]; do != nil && !met[entry] {
				met[entry] = true
				do(t, s)
			}
		}))
		defer guide.Close()
		environ = append(environ, askEnv+"="+guide.URL)
	}
	r := s.Run(t, mode, args, environ...)
	for entry := range at {
		if !met[entry] {
			t.Errorf("the run never came to %q", entry)
		}
	}
	return r
}

// fault arms one of the stand-in's.
func armed(name string) func(*testing.T, *standin.Site) {
	return func(t *testing.T, s *standin.Site) {
		t.Helper()
		s.Fault(t, name)
	}
}

func statement(text string) func(testing.TB, *standin.Site) {
	return func(t testing.TB, s *standin.Site) {
		t.Helper()
		s.Exec(t, text)
	}
}

// at is one point of a run.
func at(entry string, do func(testing.TB, *standin.Site)) map[string]func(testing.TB, *standin.Site) {
	return map[string]func(testing.TB, *standin.Site){entry: do}
}

// alter changes one byte in the middle of the newest backup's data.
func alter(t testing.TB, s *standin.Site) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.Backups, "2*", "zenml.db"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no backup: %v", err)
	}
	files.Flip(t, found[len(found)-1])
}

func someoneWrites(t testing.TB, s *standin.Site) {
	t.Helper()
	s.Exec(t, "INSERT INTO tag VALUES ('"+standin.ID("t2")+"', 'written', '2026-11-25 00:00:00', '2026-11-25 00:00:00', 1, '{}')")
}

// next wants the next run to recover what this one could not.
func next(exit int, outcome string) func(*testing.T, *standin.Site, standin.Ran) {
	return func(t *testing.T, s *standin.Site, _ standin.Ran) {
		t.Helper()
		if r := s.Run(t, "upgrade", nil); r.Exit != exit || r.Result.Outcome != outcome {
			t.Errorf("the run after it: exit %d, %s, want %d, %s\n%s", r.Exit, r.Result.Outcome, exit, outcome, r.Told)
		}
	}
}

// failedCheck wants one check to have failed, this one.
func failedCheck(name string) func(*testing.T, *standin.Site, standin.Ran) {
	return func(t *testing.T, _ *standin.Site, r standin.Ran) {
		t.Helper()
		var failed []string
		for _, c := range r.Result.Checks {
			if c.Status == "failed" {
				failed = append(failed, c.Name)
			}
		}
		if !slices.Equal(failed, []string{name}) {
			t.Errorf("checks that failed: %v, want %s", failed, name)
		}
	}
}

const backAgain = "serves again on its old data"

func table() []oneFault {
	quick := []string{"--max-downtime", "4s"}
	return []oneFault{
		{name: "the database stops during the final dump", kind: dbserver.MariaDB, at: map[string]func(testing.TB, *standin.Site){
			"before final backup begin": down(true), "before final backup failed": down(false),
		}, exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old},
		{name: "the database stops during the restore", kind: dbserver.MySQL, before: armed("new-open-fails"), at: map[string]func(testing.TB, *standin.Site){
			"after migrate undo_begin": down(true),
		}, exit: 5, outcome: "rollback_failed", says: "the data is safe in the backup", serves: standin.Old, then: func(t *testing.T, s *standin.Site, r standin.Ran) {
			t.Helper()
			down(false)(t, s)
			next(4, "rolled_back")(t, s, r)
		}},
		{name: "the database stops during the migration", kind: dbserver.MariaDB, before: armed("new-waits-migrating"), at: map[string]func(testing.TB, *standin.Site){
			"after migrate begin": func(t testing.TB, s *standin.Site) {
				t.Helper()
				down(true)(t, s)
				if err := os.WriteFile(filepath.Join(s.Dir, "faults", "go-on"), nil, 0o600); err != nil {
					t.Error(err)
				}
			},
			"before migrate failed": down(false),
		}, exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old},
		{name: "the database hangs instead of refusing", kind: dbserver.MySQL, args: []string{"--max-downtime", "6s"}, at: map[string]func(testing.TB, *standin.Site){
			"before final backup begin": hung(true), "before final backup failed": hung(false),
		}, exit: 4, outcome: "rolled_back", says: "max-downtime", serves: standin.Old},
		{name: "the disk is full during the backup", before: smallDisk, at: map[string]func(testing.TB, *standin.Site){
			"after backup begin": fillDisk, "after backup failed": emptyDisk,
		}, exit: 1, outcome: "refused", says: "the disk is full", serves: standin.Old, leaves: true},
		{name: "the backup is altered by one byte before the drill", at: at("after backup done", alter), exit: 1, outcome: "refused", says: "cannot be trusted", serves: standin.Old,
			leaves: true},
		{name: "the final backup is altered by one byte before the way back; a person starts the new version", before: armed("new-open-fails"), at: at("before migrate undo_begin", alter),
			exit: 5, outcome: "rollback_failed", says: "cannot be trusted", serves: standin.New, leaves: true, then: serveNew},
		{name: "wrong encryption key", before: func(t *testing.T, s *standin.Site) {
			t.Helper()
			s.Settings(t, "ENCRYPTION_KEY=", "ENCRYPTION_KEY=other")
		}, exit: 1, outcome: "refused", says: "secrets_key_wrong", serves: standin.Old},
		{name: "an encryption key that the server ignores", before: func(t *testing.T, s *standin.Site) {
			t.Helper()
			s.Settings(t, "ZENML_SECRETS_STORE_TYPE=sql", "OTHER=1")
			s.Exec(t, standin.Encrypt(""))
		}, exit: 0, outcome: "upgraded", says: "encryption_key_ignored", serves: standin.New, stays: []string{"secret"}},
		{name: "a stale backup of ZenML's own", before: func(t *testing.T, s *standin.Site) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(s.Dir, "zenml-backup.db"), []byte("cut off"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, exit: 1, outcome: "refused", says: "stale_zenml_backup", serves: standin.Old, leaves: true},
		{name: "a table in the way of the migration", kind: dbserver.MySQL, at: at("after nobody wrote since done", statement("CREATE TABLE curated_visualization (a INT)")),
			exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old},
		{name: "the new server dies while it migrates", before: armed("new-dies-migrating"), exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old},
		{name: "the new server never answers", args: quick, before: armed("new-never-answers"), exit: 4, outcome: "rolled_back", says: "max-downtime", serves: standin.Old},
		{name: "the new server hangs in its migration", args: quick, before: armed("new-hangs-migrating"), exit: 4, outcome: "rolled_back", says: "max-downtime", serves: standin.Old},
		{name: "the new server answers 500", args: quick, before: armed("new-answers-500"), exit: 4, outcome: "rolled_back", says: "max-downtime", serves: standin.Old},
		{name: "the new server answers with the old version", before: armed("new-old-version"), exit: 4, outcome: "rolled_back", says: "answers with version", serves: standin.Old},
		{name: "the new server loses a run", before: armed("new-loses-a-run"), exit: 4, outcome: "rolled_back", says: "missing after the change: 1 run", serves: standin.Old, then: failedCheck("inventory")},
		{name: "the new server loses a run after the opening", before: armed("new-loses-a-run-in-public"), exit: 4, outcome: "rolled_back", says: "missing after the change: 1 run", serves: standin.Old,
			then: failedCheck("public inventory")},
		{name: "the new server asks nobody for a key", before: armed("new-asks-nobody"), exit: 4, outcome: "rolled_back", says: "lets in whom it should not", serves: standin.Old},
		{name: "the smoke pipeline fails", before: armed("new-smoke-fails"), exit: 4, outcome: "rolled_back", says: "smoke pipeline", serves: standin.Old},
		{name: "the new server cannot open the public address", before: armed("new-open-fails"), exit: 4, outcome: "rolled_back", says: "address already in use", serves: standin.Old},
		{name: "the migration fails on the copy already", before: armed("copy-dies-migrating"), exit: 1, outcome: "refused", says: "on the restored copy", serves: standin.Old},
		{name: "the key is revoked after the rehearsal", at: at("after rehearsal done", statement("DELETE FROM api_key")), exit: 1, outcome: "refused", says: "nothing", serves: standin.Old},
		{name: "a pipeline is running", before: func(t *testing.T, s *standin.Site) {
			t.Helper()
			s.Exec(t, "UPDATE pipeline_run SET status = 'running' WHERE id = '"+standin.ID("r1")+"'")
		}, exit: 1, outcome: "refused", says: "pipelines_running", serves: standin.Old, stays: []string{"pipeline_run"}},
		{name: "a long pipeline begins before the cut-over", at: at("after load the new version done", func(t testing.TB, s *standin.Site) {
			t.Helper()
			if err := s.Post("long", "running"); err != nil {
				t.Error(err)
			}
		}), exit: 1, outcome: "refused", says: "pipeline runs have begun", serves: standin.Old, stays: []string{"pipeline_run"}},
		{name: "the clock jumps a day back in the run, and it is killed", environ: []string{clockEnv + "=-24h", killEnv + "=after migrate done"}, exit: -1, serves: standin.Old, then: next(4, "rolled_back")},
		{name: "the clock jumps a day ahead in the run", environ: []string{clockEnv + "=24h"}, exit: 0, outcome: "upgraded", says: "was upgraded", serves: standin.New},
		{name: "the database is newer than the target", before: revisionIs("0.99.0"), exit: 1, outcome: "refused", says: "database_newer", serves: standin.Old, stays: []string{"alembic_version"}},
		{name: "an unknown revision hash", before: revisionIs("deadbeef0123"), exit: 1, outcome: "refused", says: "database_half_migrated", serves: standin.Old, stays: []string{"alembic_version"}},
		{name: "two runs at once", at: at("after rehearsal begin", func(t testing.TB, s *standin.Site) {
			t.Helper()
			r := s.Run(t, "upgrade", nil)
			if r.Exit != 1 || r.Result.ReasonCode != "locked" || !strings.Contains(r.Text, "zenml-upgrade upgrade of staging") {
				t.Errorf("the second run: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
			}
		}), exit: 0, outcome: "upgraded", says: "was upgraded", serves: standin.New},
		{name: "two runs at once on a database server", kind: dbserver.MySQL, at: at("after rehearsal begin", func(t testing.TB, s *standin.Site) {
			t.Helper()
			r := s.Run(t, "upgrade", nil)
			if r.Exit != 1 || r.Result.ReasonCode != "locked" || !strings.Contains(r.Text, "zenml-upgrade upgrade of staging") {
				t.Errorf("the second run: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
			}
		}), exit: 0, outcome: "upgraded", says: "was upgraded", serves: standin.New},
		{name: "a copy whose schedule would fire: it is switched off there", exit: 0, outcome: "upgraded", says: "was upgraded", serves: standin.New, then: func(t *testing.T, _ *standin.Site, r standin.Ran) {
			t.Helper()
			if b := r.Result.Backup; b == nil || b.Drill == nil || b.Drill.Switched != 1 {
				t.Errorf("switched off: %+v", b)
			}
		}},
		{name: "a second new server on the database", at: at("after migrate done", func(t testing.TB, s *standin.Site) {
			t.Helper()
			s.Second(t, standin.New)
		}), exit: 5, outcome: "rollback_failed", says: "not alone on the database", serves: standin.Old, leaves: true, then: func(t *testing.T, s *standin.Site, r standin.Ran) {
			t.Helper()
			s.StopSecond(t)
			next(4, "rolled_back")(t, s, r)
		}},
		{name: "a client writes after the final backup", at: at("after final backup done", someoneWrites), exit: 4, outcome: "rolled_back", says: "somebody uses the database beside the upgrade", serves: standin.Old,
			stays: []string{"tag"}, then: func(t *testing.T, s *standin.Site, _ standin.Ran) {
				t.Helper()
				if s.Content(t).Tables["tag"].Rows != 2 {
					t.Error("what was written is gone")
				}
			}},
		{name: "a client writes after the final backup, on a database server", kind: dbserver.MariaDB, at: at("after final backup done", someoneWrites), exit: 4, outcome: "rolled_back",
			says: "somebody uses the database beside the upgrade", serves: standin.Old, stays: []string{"tag"}, then: func(t *testing.T, s *standin.Site, _ standin.Ran) {
				t.Helper()
				if s.Content(t).Tables["tag"].Rows != 2 {
					t.Error("what was written is gone")
				}
			}},
		{name: "a client stays connected through the cut-over", kind: dbserver.MySQL, at: at("after stop the old server done", func(t testing.TB, s *standin.Site) {
			t.Helper()
			s.Second(t, standin.Old)
		}), exit: 4, outcome: "rolled_back", says: "still in use by", serves: standin.Old, leaves: true, then: func(t *testing.T, s *standin.Site, _ standin.Ran) {
			t.Helper()
			s.StopSecond(t)
		}},
		{name: "an account that may not create databases", kind: dbserver.MariaDB, before: lesserAccount, exit: 0, outcome: "upgraded", says: "was upgraded", serves: standin.New},
	}
}

// faults are all of them.
func faults() []oneFault { return append(table(), misled()...) }

func down(yes bool) func(testing.TB, *standin.Site) {
	return func(_ testing.TB, s *standin.Site) { s.Proxy.Set(yes, false) }
}

func hung(yes bool) func(testing.TB, *standin.Site) {
	return func(_ testing.TB, s *standin.Site) { s.Proxy.Set(false, yes) }
}

func revisionIs(revision string) func(*testing.T, *standin.Site) {
	return func(t *testing.T, s *standin.Site) {
		t.Helper()
		s.Exec(t, "UPDATE alembic_version SET version_num = '"+revision+"'")
	}
}

// serveNew is the hand that a failed way back asks for: here the data is fully new, and is served.
func serveNew(t *testing.T, s *standin.Site, _ standin.Ran) {
	t.Helper()
	s.Mend(t, "new-open-fails")
	s.Start(t, standin.New)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: whole upgrades are not run in a short run")
	}
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t)
		})
	}
	t.Logf("size: faults: %d made for real", len(faults()))
}

// TestDocument holds docs/faults.md to the table.
func TestDocument(t *testing.T) {
	t.Parallel()
	path := filepath.Join(machine.Root(t), "docs", "faults.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- faults -->\n", "<!-- /faults -->"
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("docs/faults.md has no place for the table")
	}
	var b strings.Builder
	b.WriteString(head + begin + "| fault | database | outcome | exit | afterwards |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range faults() {
		kind, outcome, data := f.kind, f.outcome, "old data, "+standin.Old+" serves"
		if kind == "" {
			kind = standin.SQLite
		}
		if f.serves == standin.New {
			data = "new data, " + standin.New + " serves"
		}
		if outcome == "" {
			outcome = "none"
		}
		exit := fmt.Sprint(f.exit)
		if f.exit == -1 {
			exit = "killed"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.name, kind, outcome, exit, data)
	}
	b.WriteString(end + tail)
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if b.String() != string(text) {
		t.Error("docs/faults.md is not as the tests are: go test ./internal/faults -run TestDocument -update")
	}
}
