package upgrade

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// still is a driver without servers: it notes what it is asked for.
type still struct {
	asked  []string
	ending func() // what happens meanwhile; nil: nothing
}

func (d *still) Check(context.Context) []Problem { return nil }
func (d *still) StopOld(context.Context) error   { d.asked = append(d.asked, "stop old"); return nil }
func (d *still) StartOld(_ context.Context, v string) error {
	d.asked = append(d.asked, "start "+v)
	return errors.New("it does not start")
}
func (d *still) Load(context.Context, World) (Server, error) {
	return nil, errors.New("no servers here")
}
func (d *still) End(context.Context, Child) (bool, error) {
	d.asked = append(d.asked, "end")
	if d.ending != nil {
		d.ending()
	}
	return true, nil
}

// opened is a run whose new version was opened to the public, on a real database with a real backup.
func opened(t *testing.T) (*run, *still, func(statement string)) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "zenml.db")
	change := func(statement string) {
		t.Helper()
		c, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	change("CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('0.85.0'); CREATE TABLE tag (name TEXT)")
	db, err := database.OpenSQLite("sqlite:///" + path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := db.Backup(t.Context(), filepath.Join(dir, "backups"), database.Meta{Quiescent: true, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	change("UPDATE alembic_version SET version_num = '0.98.0'")
	atOpening, err := db.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Create(filepath.Join(dir, "state"), "run", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	driver := &still{}
	r := &run{Options: Options{DB: db, Driver: driver, Now: time.Now, PublicURL: "http://127.0.0.1:1"}}
	r.engine = engine{journal: j, now: time.Now, state: &State{
		RunID: "run", From: "0.85.0", To: "0.98.0", FinalBackup: m.Path, ContentBefore: m.ContentDigest,
		Opened: true, AtOpening: &atOpening, Children: []Child{{Pid: 1, Started: "1", What: "ZenML 0.98.0"}},
	}}
	for _, s := range r.cutOverSteps() {
		r.results = append(r.results, StepResult{Name: s.Name, Status: Passed})
	}
	r.explain(t.Context(), errors.New("it broke"))
	return r, driver, change
}

func TestWhatWasWrittenSinceTheOpeningIsNotRolledAway(t *testing.T) {
	t.Parallel()
	r, driver, change := opened(t)
	change("INSERT INTO tag VALUES ('made by a user')")
	if err := r.goBack(t.Context(), r.cutOverSteps(), errors.New("it broke")); !errors.Is(err, errWritten) {
		t.Errorf("went back with %v", err)
	}
	if r.report.Outcome != Frozen || len(r.report.WrittenSinceBackup) != 1 || !strings.Contains(r.report.WrittenSinceBackup[0], "tag") {
		t.Errorf("outcome %s, written %v", r.report.Outcome, r.report.WrittenSinceBackup)
	}
	if len(driver.asked) > 0 {
		t.Errorf("the servers were touched: %v", driver.asked)
	}
	isExported(t, r, "made by a user")
	if rev, err := r.DB.Revision(t.Context()); err != nil || rev != "0.98.0" {
		t.Errorf("the database was touched: revision %q, %v", rev, err)
	}
}

// A run is killed when the server has ended; by then somebody had written: it serves again.
func TestAServerThatWasWithdrawnInVainServesAgain(t *testing.T) {
	t.Parallel()
	r, driver, change := opened(t)
	change("INSERT INTO tag VALUES ('made at the last moment')")
	r.state.Withdrawn = true
	if err := r.goBack(t.Context(), r.cutOverSteps(), errors.New("it broke")); !errors.Is(err, errWritten) || r.report.Outcome != Frozen {
		t.Errorf("outcome %s, went back with %v", r.report.Outcome, err)
	}
	if want := "end start 0.98.0"; strings.Join(driver.asked, " ") != want {
		t.Errorf("asked the driver for %v, want %s", driver.asked, want)
	}
}

// isExported wants a row to stand in the file beside the final backup that the report names.
func isExported(t *testing.T, r *run, row string) {
	t.Helper()
	path := r.state.FinalBackup + database.WrittenSuffix
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), row) || r.report.WrittenExport == nil || *r.report.WrittenExport != path || !strings.Contains(r.report.Failure.Advice, path) {
		t.Errorf("export %v: %q, %v; advice %q", r.report.WrittenExport, text, err, r.report.Failure.Advice)
	}
}

// A user writes after the first look, while the server ends: nothing is restored over it.
func TestWhatIsWrittenWhileTheServerEndsIsNotRolledAway(t *testing.T) {
	t.Parallel()
	r, driver, change := opened(t)
	driver.ending = func() { change("INSERT INTO tag VALUES ('made at the last moment')") }
	if err := r.goBack(t.Context(), r.cutOverSteps(), errors.New("it broke")); !errors.Is(err, errWritten) || !strings.Contains(err.Error(), "start ZenML 0.98.0 again") {
		t.Errorf("went back with %v", err)
	}
	if r.report.Outcome != Frozen || len(r.report.WrittenSinceBackup) != 1 || !strings.Contains(r.report.WrittenSinceBackup[0], "tag") {
		t.Errorf("outcome %s, written %v", r.report.Outcome, r.report.WrittenSinceBackup)
	}
	if want := "end start 0.98.0"; strings.Join(driver.asked, " ") != want {
		t.Errorf("asked the driver for %v, want %s", driver.asked, want)
	}
	isExported(t, r, "made at the last moment")
	if rev, err := r.DB.Revision(t.Context()); err != nil || rev != "0.98.0" {
		t.Errorf("the database was touched: revision %q, %v", rev, err)
	}
}

func TestAnOldVersionThatDoesNotComeBackIsAFailedRollback(t *testing.T) {
	t.Parallel()
	r, driver, _ := opened(t)
	_ = r.goBack(t.Context(), r.cutOverSteps(), errors.New("it broke"))
	if r.report.Outcome != RollbackFailed || !strings.Contains(r.report.Failure.Advice, "RESTORE.md") {
		t.Errorf("outcome %s, advice %q", r.report.Outcome, r.report.Failure.Advice)
	}
	if want := "end end start 0.85.0"; strings.Join(driver.asked, " ") != want {
		t.Errorf("asked the driver for %v, want %s", driver.asked, want)
	}
	if c := r.report.Content; c == nil || c.After == nil || *c.After != c.Before {
		t.Errorf("content %+v", c)
	}
	if rev, err := r.DB.Revision(t.Context()); err != nil || rev != "0.85.0" {
		t.Errorf("the data is not the old: revision %q, %v", rev, err)
	}
}

func TestFreezingByChoiceUndoesNothing(t *testing.T) {
	t.Parallel()
	r, driver, _ := opened(t)
	r.KeepBroken = true
	_ = r.goBack(t.Context(), r.cutOverSteps(), errors.New("it broke"))
	if r.report.Outcome != Frozen || len(driver.asked) > 0 {
		t.Errorf("outcome %s, the driver was asked for %v", r.report.Outcome, driver.asked)
	}
}

// After the migration was taken back the old version is compared with what it held: a step that was
// undone counts as one that was begun.
func TestTheOldVersionIsComparedAfterTheMigrationWasUndone(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/v1/info" {
			_, _ = w.Write([]byte(`{"id": "1", "version": "0.85.0", "active": true}`))
			return
		}
		_, _ = w.Write([]byte(`{"index": 1, "max_size": 1000, "total_pages": 1, "total": 0, "items": []}`))
	}))
	t.Cleanup(s.Close)
	for status, want := range map[Status]string{Passed: "missing after the change: 1 tag", Undone: "missing after the change: 1 tag", Skipped: ""} {
		r, _, _ := opened(t)
		r.before = &zenml.Inventory{Kinds: map[string]zenml.IDs{"tag": {uuid.New()}}}
		for i := range r.results {
			if r.results[i].Name == migrateStep {
				r.results[i].Status = status
			}
		}
		if status == Undone {
			r.mark(migrateStep)
		}
		got := ""
		if err := r.whole(t.Context(), zenml.New(s.URL)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("the migration %s: %q, want %q", status, got, want)
		}
	}
}
