package faults

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// scenario is a way to the run that is killed. The entries that such a run writes are learnt from one
// that is not killed: no list of steps stands here.
type scenario struct {
	name    string
	prepare func(*testing.T, *standin.Site)
	on      string                  // the kind of database that it takes; "": any, and its entries are the same on each
	rotates bool                    // a sample is tried on SQLite, too: its cells take several whole runs each
	byHand  bool                    // mode rollback is killed and run again; else mode upgrade
	args    []string                // of mode upgrade
	from    func(entry string) bool // the first entry of interest; nil: all
	expect  func(written []string) end
}

// end is how the run after the killed one ends.
type end struct {
	exit    int
	outcome string
	version string // that serves then
	says    string // in the report
}

var (
	oldAgain = end{exit: 4, outcome: "rolled_back", version: standin.Old, says: "the old version 0.85.0 serves again on its old data"}
	newNow   = end{exit: 0, outcome: "upgraded", version: standin.New, says: "The server was upgraded"}
	putBack  = end{exit: 4, outcome: "rolled_back", version: standin.Old, says: "The server was put back"}
	wasNew   = end{exit: 1, outcome: "refused", version: standin.New, says: "from 0.98.0 is not below to 0.98.0"}
)

func always(e end) func([]string) end { return func([]string) end { return e } }

var scenarios = []scenario{
	{name: "upgrade", prepare: func(*testing.T, *standin.Site) {}, expect: afterUpgrade},
	{name: "rollback", prepare: func(t *testing.T, s *standin.Site) {
		t.Helper()
		s.Fault(t, "new-open-fails")
	}, from: func(e string) bool { return strings.HasSuffix(e, "\tfailed") }, expect: always(oldAgain)},
	{name: "recovery", prepare: func(t *testing.T, s *standin.Site) {
		t.Helper()
		s.Fault(t, "new-parent-dies-migrating")
		if r := s.Run(t, "upgrade", nil); r.Exit != -1 {
			t.Fatalf("the first run was not killed: exit %d\n%s", r.Exit, r.Told)
		}
		s.Mend(t, "new-parent-dies-migrating")
		s.Fault(t, "new-open-fails") // for the case that nothing is left to recover
	}, expect: always(oldAgain)},
	{name: "roll-forward", prepare: func(t *testing.T, s *standin.Site) {
		t.Helper()
		s.Configure(t, "    rollback: {failed-smoke: roll-forward, patch: 0.98.1}\n")
		s.Fault(t, "new-smoke-fails-once")
	}, from: func(e string) bool { return strings.HasSuffix(e, "\tfailed") }, expect: func(written []string) end {
		if slices.Contains(written, "open the patch to the public\tdone") {
			return end{exit: 1, outcome: "refused", version: standin.Patch, says: "from 0.98.1 is not below to 0.98.0"}
		}
		return oldAgain
	}},
	{
		name: "upgrade with its rollback proved", rotates: true, args: []string{"--prove-rollback", "true"}, prepare: func(*testing.T, *standin.Site) {},
		from: func(e string) bool { return e == "stop the old server\tbegin" }, expect: afterUpgrade,
	},
	{name: "rollback by hand", rotates: true, byHand: true, prepare: prepareByHand, expect: always(putBack)},
	{name: "recovery of a rollback by hand", rotates: true, byHand: true, prepare: func(t *testing.T, s *standin.Site) {
		t.Helper()
		prepareByHand(t, s)
		if r := s.Run(t, "rollback", accepted, killEnv+"=after restore the old data begin"); r.Exit != -1 {
			t.Fatalf("the rollback was not killed: exit %d\n%s", r.Exit, r.Told)
		}
	}, expect: always(putBack)},
	{name: "upgrade by snapshots", on: dbserver.MariaDB, args: byCommand, prepare: func(t *testing.T, s *standin.Site) {
		t.Helper()
		snapshots(t, s, dbserver.MariaDB)
	}, expect: afterUpgrade},
	{name: "rollback by snapshots", on: dbserver.MySQL, args: byCommand, prepare: func(t *testing.T, s *standin.Site) {
		t.Helper()
		snapshots(t, s, dbserver.MySQL)
		s.Fault(t, "new-open-fails")
	}, from: func(e string) bool { return strings.HasSuffix(e, "\tfailed") }, expect: always(oldAgain)},
}

// afterUpgrade is what follows an upgrade that was killed. One that had stopped the old server ends as
// put back, also when it had just proved its rollback: a person starts it again.
func afterUpgrade(written []string) end {
	switch {
	case strings.HasSuffix(strings.Join(written, ";"), "check in public\tbegin"):
		return oldAgain // what is open is not proved
	case slices.Contains(written, "open to the public\tdone"):
		return wasNew
	case slices.Contains(written, "stop the old server\tbegin"):
		return oldAgain
	}
	return newNow
}

// prepareByHand upgrades the site and lets somebody write.
func prepareByHand(t *testing.T, s *standin.Site) {
	t.Helper()
	if r := s.Run(t, "upgrade", nil); r.Exit != 0 {
		t.Fatalf("the upgrade: exit %d\n%s", r.Exit, r.Told)
	}
	if err := s.Post("since", "completed"); err != nil {
		t.Fatal(err)
	}
}

var accepted = []string{"--accept-loss", "true"}

// run is the run that is killed and repeated.
func (sc scenario) run(t *testing.T, s *standin.Site, environ ...string) standin.Ran {
	t.Helper()
	if sc.byHand {
		return s.Run(t, "rollback", accepted, environ...)
	}
	return s.Run(t, "upgrade", sc.args, environ...)
}

// shared is a folder for what all sites of this package have in common: made environments.
var shared string

// seed chooses the sample of a day.
func seed() string {
	if s := os.Getenv("ZENML_UPGRADE_SEED"); s != "" {
		return s
	}
	return time.Now().UTC().Format(time.DateOnly)
}

// sample chooses n cells, the same for a seed.
func sample[T any](all []T, n int, of string) []T {
	if n >= len(all) || os.Getenv("ZENML_UPGRADE_FULL") != "" {
		return all
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed() + of))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	chosen := slices.Clone(all)
	r.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	return chosen[:n]
}

// cell is one kill.
type cell struct {
	scenario scenario
	when     string // before, after
	point    int    // the entry's number in the run that is killed
	entries  []string
}

func (c cell) name() string {
	return fmt.Sprintf("%s/%s_%02d_%s", strings.ReplaceAll(c.scenario.name, " ", "_"), c.when, c.point, regexp.MustCompile(`\W+`).ReplaceAllString(c.entries[c.point-1], "_"))
}

// written are the entries that stand in the journal after the kill.
func (c cell) written() []string {
	if c.when == "after" {
		return c.entries[:c.point]
	}
	return c.entries[:c.point-1]
}

// entries learns what the run of a scenario writes.
func entries(t *testing.T, kind string, sc scenario) []string {
	t.Helper()
	s := standin.NewSite(t, kind, shared)
	sc.prepare(t, s)
	list := filepath.Join(t.TempDir(), "entries")
	ran := sc.run(t, s, entriesEnv+"="+list)
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatalf("%v\n%s", err, ran.Told)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if last := lines[len(lines)-1]; last != "run\tend" {
		t.Fatalf("a run that is not killed ends with %q\n%s", last, ran.Told)
	}
	return lines
}

// tried is how many of the scenario's cells make test tries on a kind of database: the upgrade is killed at
// every entry everywhere. On database servers a cell takes some ten seconds, and nothing of the engine
// depends on the kind of the database: of the other scenarios a sample rotates with the date there.
func (sc scenario) tried(kind string, of int) int {
	switch {
	case sc.name == scenarios[0].name:
		return of
	case kind != standin.SQLite:
		return 2
	case sc.rotates:
		return 6
	}
	return of
}

// cells are those to try on a kind of database, and how many there are.
func cells(t *testing.T, kind string) (out []cell, total int) {
	t.Helper()
	for _, sc := range scenarios {
		if sc.on != "" && sc.on != kind {
			continue
		}
		var found []cell
		all, begun := entries(t, cmp.Or(sc.on, standin.SQLite), sc), sc.from == nil
		for i, e := range all {
			begun = begun || sc.from(e)
			if begun {
				found = append(found, cell{sc, "before", i + 1, all}, cell{sc, "after", i + 1, all})
			}
		}
		total += len(found)
		out = append(out, sample(found, sc.tried(kind, len(found)), kind+sc.name)...)
	}
	return out, total
}

func TestKilledAtEveryEntry(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: whole upgrades are not run in a short run")
	}
	for _, kind := range []string{standin.SQLite, dbserver.MariaDB, dbserver.MySQL} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			chosen, total := cells(t, kind)
			t.Logf("size: kill matrix on %s: %d of %d cells, seed %s", kind, len(chosen), total, seed())
			for _, c := range chosen {
				t.Run(c.name(), func(t *testing.T) {
					t.Parallel()
					killed(t, kind, c)
				})
			}
		})
	}
}

func killed(t *testing.T, kind string, c cell) {
	t.Helper()
	s := standin.NewSite(t, kind, shared)
	old := s.Content(t)
	c.scenario.prepare(t, s)
	if r := c.scenario.run(t, s, fmt.Sprintf("%s=%s %d", killEnv, c.when, c.point)); r.Exit != -1 {
		t.Fatalf("the run was not killed: exit %d\n%s", r.Exit, r.Told)
	}
	want := c.scenario.expect(c.written())
	got := c.scenario.run(t, s)
	if got.Exit != want.exit || got.Result.Outcome != want.outcome || !strings.Contains(got.Text, want.says) {
		t.Errorf("the next run: exit %d, outcome %q, want %d, %q and %q in the report\n%s\n%s", got.Exit, got.Result.Outcome, want.exit, want.outcome, want.says, got.Told, got.Text)
	}
	if v := s.Version(); v != want.version {
		t.Errorf("version %q serves, want %s", v, want.version)
	}
	whole(t, s, kind, old, want.version)
	clean(t, s)
}

// whole wants the data to be fully the old, or what the migration makes of it.
func whole(t *testing.T, s *standin.Site, kind string, old database.Fingerprint, version string) {
	t.Helper()
	want := old
	if version != standin.Old {
		want = s.Migrated(t, kind, version)
	}
	if diff := want.Diff(s.Content(t)); len(diff) > 0 {
		t.Errorf("the data is not that of %s: %v", version, diff)
	}
}

var exportName = regexp.MustCompile(`^\d{8}T\d{6}Z-[a-z0-9]{8}\.written\.jsonl$`)

// besideName is of what stands beside a backup's folder: its record, and the proof of a rehearsal.
var besideName = regexp.MustCompile(`^\d{8}T\d{6}Z-[a-z0-9]{8}\.(backup|proof)\.json$`)

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

var backupName = regexp.MustCompile(`^\d{8}T\d{6}Z-[a-z0-9]{8}$`)

// clean wants no process of the site's but the server on the public address, no file among the backups
// that nobody knows, and no throw-away copy.
func clean(t *testing.T, s *standin.Site) {
	t.Helper()
	entries, err := os.ReadDir(s.Backups)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch {
		case e.Name() == "state" || exportName.MatchString(e.Name()):
		case besideName.MatchString(e.Name()):
			if name, _, _ := strings.Cut(e.Name(), "."); !there(filepath.Join(s.Backups, name)) {
				t.Errorf("%q was left of a backup that is gone", e.Name())
			}
		case !backupName.MatchString(e.Name()):
			t.Errorf("%q was left among the backups", e.Name())
		default:
			if _, err := database.Verify(t.Context(), filepath.Join(s.Backups, e.Name())); err != nil {
				t.Errorf("a backup was left that is none: %v", err)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.Backups, "state", "*", "scratch-*")); len(left) > 0 {
		t.Errorf("throw-away copies were left: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "zenml.db?*")); len(left) > 0 {
		t.Errorf("left beside the database: %v", left)
	}
	var serving int
	if l, err := server.FindListener(s.Port); err == nil {
		serving = l.Pid
	}
	for _, pid := range s.Processes() {
		if pid != serving {
			t.Errorf("process %d was left", pid)
		}
	}
	for _, c := range journalled(t, s) {
		if started, alive := proc.StartTime(c.Pid); alive && started == c.Started && c.Pid != serving {
			t.Errorf("process %d (%s) was left", c.Pid, c.What)
		}
	}
}

// journalled are the processes that the site's journals name.
func journalled(t *testing.T, s *standin.Site) []upgrade.Child {
	t.Helper()
	var out []upgrade.Child
	runs, _ := filepath.Glob(filepath.Join(s.Backups, "state", "*", journal.FileName))
	for _, path := range runs {
		r, err := journal.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range r.Entries {
			var state upgrade.State
			if err := json.Unmarshal(e.State, &state); err != nil {
				t.Fatal(err)
			}
			out = append(out, state.Children...)
		}
	}
	return out
}
