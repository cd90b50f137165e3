package database

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hook"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/storage"
)

// commandsIn are the commands of the storage in a folder.
func commandsIn(dir, path string) *hook.Set {
	return &hook.Set{Commands: storage.Commands(dir), Dir: dir, Environ: []string{"PATH=" + path}, Environment: "test", Limit: time.Minute}
}

// stored is a database whose backups are snapshots that a storage takes; copies are the storage's on the
// server of another address.
type stored struct {
	*MySQL
	a, copies mysql.Address
	storage   *storage.Storage
	backups   string
}

func sampleStored(t *testing.T, kind string, copies *mysql.Address) *stored {
	t.Helper()
	a := dbserver.New(t, kind)
	dbserver.Exec(t, a, richServer...)
	s := &stored{MySQL: openSample(t, a.StoreURL(), ""), a: a, copies: a, backups: filepath.Join(t.TempDir(), "backups")}
	if copies != nil {
		s.copies = *copies
	}
	s.storage = storage.New(t, kind, a, s.copies)
	s.options.Engine, s.options.Snapshots = EngineCommand, commandsIn(s.storage.Dir, pathOn(t))
	return s
}

func (s *stored) backup(t *testing.T, quiescent bool) (*Manifest, error) {
	t.Helper()
	return s.Backup(t.Context(), s.backups, Meta{ZenMLVersion: "0.85.0", Quiescent: quiescent, Now: time.Now(), Holder: "run 1"})
}

func (s *stored) mustBackup(t *testing.T) *Manifest {
	t.Helper()
	m, err := s.backup(t, true)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// untouched wants the real database to be as it was, without a marker.
func (s *stored) untouched(t *testing.T, before Fingerprint) {
	t.Helper()
	if lines := before.Diff(contentOf(t, s.MySQL)); len(lines) > 0 {
		t.Errorf("the real database is another: %v", lines)
	}
	err := s.client.With(t.Context(), func(c *sql.Conn) error {
		there, err := hasMarkerTable(t.Context(), c)
		if there {
			t.Error("a marker was left in the real database")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSnapshotIsExact(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		second := dbserver.Second(t, kind)
		s := sampleStored(t, kind, &second)
		before, m := contentOf(t, s.MySQL), s.mustBackup(t)
		if lines := before.Diff(m.Fingerprint()); len(lines) > 0 || m.Engine != "command" || len(m.Options) != 1 || m.Bytes == 0 || m.Revision != "0.85.0" {
			t.Errorf("%v, %+v", lines, m)
		}
		if diff := cmp.Diff([]string{m.Snapshot}, s.storage.Snapshots(t)); diff != "" || !snapshotForm.MatchString(m.Snapshot) {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"RESTORE.md", "manifest.json", "snapshot.txt"}, names(t, m.Path)); diff != "" {
			t.Error(diff)
		}
		if again, err := Verify(t.Context(), m.Path); err != nil || again.Snapshot != m.Snapshot {
			t.Errorf("%+v, %v", again, err)
		}

		dir := t.TempDir()
		var journalled Mark
		c, err := s.Scratch(t.Context(), m.Path, dir, func(m Mark) error {
			journalled = m
			if log := s.storage.Log(t); slices.Contains(log, "restore copy") {
				t.Error("the command ran before the mark was journalled")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Mark, journalled); diff != "" {
			t.Error(diff)
		}
		if lines := before.Diff(contentOf(t, c.DB)); kind == dbserver.MariaDB && len(lines) != 1 || len(storage.Copies(t, second)) != 1 { // its event was switched off
			t.Errorf("the copy: %v, copies %v", lines, storage.Copies(t, second))
		}
		if st, err := os.Stat(filepath.Join(c.Mark.Dir, placeName)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", st, err)
		}
		for range 2 {
			if err := s.Drop(t.Context(), c.Mark); err != nil {
				t.Fatal(err)
			}
		}
		if left := storage.Copies(t, second); len(left) > 0 || len(names(t, dir)) > 0 {
			t.Errorf("left: %v, %v", left, names(t, dir))
		}
		s.untouched(t, before)

		for name, damage := range map[string][]string{"after a migration": laterServer, "over an equal one": nil, "over nothing": {"DROP DATABASE `" + s.a.Name + "`"}} {
			dbserver.Exec(t, s.a.On(""), "CREATE DATABASE IF NOT EXISTS `"+s.a.Name+"`")
			dbserver.Exec(t, s.a, damage...)
			if err := s.Restore(t.Context(), m.Path); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s.untouched(t, before)
		}
		// A restore that leaves what the snapshot does not hold leaves the mark, too.
		s.storage.Before(t, "restore", `on real "$real" -e "UPDATE alembic_version SET version_num = '0.85.0'"; exit 0`)
		dbserver.Exec(t, s.a, "UPDATE alembic_version SET version_num = '0.98.0'")
		if err := s.Restore(t.Context(), m.Path); err != nil {
			t.Fatal(err)
		}
		s.untouched(t, before)
		// And one that did nothing is found out; the database passes for nothing whole until it is mended.
		dbserver.Exec(t, s.a, "UPDATE alembic_version SET version_num = '0.98.0'")
		s.storage.Before(t, "restore", "exit 0")
		if err := s.Restore(t.Context(), m.Path); err == nil || !strings.Contains(err.Error(), "differs from its backup") {
			t.Errorf("%v", err)
		}
		if rev, err := s.Revision(t.Context()); err == nil {
			t.Errorf("it passes for %q", rev)
		}
	})
}

// A snapshot counts only when nothing was written while it was taken; one that does not count is
// removed.
func TestSnapshotIsTakenOfAQuietMoment(t *testing.T) {
	t.Parallel()
	const write = `on real "$real" -e "INSERT INTO counted VALUES (1)";`
	for name, c := range map[string]struct {
		before    string
		quiescent bool
		limit     time.Duration
		says      string // "": a backup is made
		log       []string
	}{
		"written to though all is stopped": {write, true, time.Minute, "somebody wrote", []string{"take", "forget"}},
		"written to once":                  {`if [ ! -e "$here/once" ]; then touch "$here/once"; ` + write + ` fi`, false, time.Minute, "", []string{"take", "forget", "take"}},
		"always written to": {write, false, time.Minute, "somebody wrote", []string{
			"take", "forget", "take", "forget", "take", "forget", "take", "forget", "take", "forget",
		}},
		"the command fails": {"echo over quota >&2; exit 3", false, time.Minute, "exited with status 3: over quota", []string{"take", "forget"}},
		"the command hangs": {"sleep 60", true, 2 * time.Second, "hook take: sh ran past its time limit", []string{"take", "forget"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sampleStored(t, dbserver.MySQL, nil)
			s.options.Snapshots.Limit = c.limit
			s.storage.Before(t, "take", c.before)
			m, err := s.backup(t, c.quiescent)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
			want := []string{}
			if c.says == "" {
				want = append(want, filepath.Base(m.Path))
			}
			if diff := cmp.Diff(want, names(t, s.backups)); diff != "" || len(s.storage.Snapshots(t)) != len(want) {
				t.Errorf("%s, snapshots %v", diff, s.storage.Snapshots(t))
			}
			if diff := cmp.Diff(c.log, s.storage.Log(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a command gives for a copy is believed in nothing.
func TestSnapshotCopyIsRefused(t *testing.T) {
	t.Parallel()
	const dropped, kept = true, false
	for name, c := range map[string]struct {
		before     string
		production bool
		limit      time.Duration
		says       string
		drop       bool // the command drop is run
	}{
		"the real database":                    {`echo "mysql://127.0.0.1:$ZENML_UPGRADE_DATABASE_PORT/$real"; exit 0`, false, 0, "gave the real database", kept},
		"the real database under another name": {`echo "mysql://localhost:$ZENML_UPGRADE_DATABASE_PORT/$real"; exit 0`, false, 0, "gave the real database", kept},
		"on production's server":               {"", true, 0, "very server", dropped},
		"another state":                        {`on copies -e "CREATE DATABASE $copy"; on copies "$copy" -e "CREATE TABLE alembic_version (version_num VARCHAR(32))"; echo "mysql://$other/$copy"; exit 0`, false, 0, "differs from its backup", dropped},
		"no fresh one":                         {`on copies -e "CREATE DATABASE $copy"; on copies "$copy" -e "CREATE TABLE zenml_upgrade_marker (a INT)"; echo "mysql://$other/$copy"; exit 0`, false, 0, "no fresh copy", dropped},
		"a copy, and then a failure":           {`load copies "$copy"; echo "mysql://root:pass-of-copy@db/x"; exit 4`, false, 0, "exited with status 4: mysql://root:***@db/x", dropped},
		"no address":                           {`echo "done, the pass-of-copy is x"; exit 0`, false, 0, "printed no address", dropped},
		"an address that is none":              {`echo "mysql://root:pass-of-copy@db"; exit 0`, false, 0, "names no database", dropped},
		"another user":                         {`echo "mysql://nobody:pass-of-copy@127.0.0.1:$ZENML_UPGRADE_DATABASE_PORT/$real"; exit 0`, false, 0, "is not known", dropped},
		"it hangs":                             {`load copies "$copy"; sleep 60`, false, 3 * time.Second, "ran past its time limit", dropped},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sampleStored(t, dbserver.MySQL, nil)
			before, m := contentOf(t, s.MySQL), s.mustBackup(t)
			s.options.Production = c.production
			if c.limit > 0 {
				s.options.Snapshots.Limit = c.limit
			}
			s.storage.Before(t, "restore", c.before)
			dir := t.TempDir()
			mark := Mark{}
			_, err := s.Scratch(t.Context(), m.Path, dir, func(m Mark) error { mark = m; return nil })
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "pass-of-copy") {
				t.Errorf("%v, want %q", err, c.says)
			}
			s.untouched(t, before)
			if got := slices.Contains(s.storage.Log(t), "drop"); got != c.drop {
				t.Errorf("dropped: %v\n%v", got, s.storage.Log(t))
			}
			own := strings.ReplaceAll(mark.Copy, "-", "_")
			if len(names(t, dir)) > 0 || slices.Contains(storage.Copies(t, s.a), own) {
				t.Errorf("left: %v, %v", names(t, dir), storage.Copies(t, s.a))
			}
		})
	}
}

// What is written to the copy and seen in the real database is taken back, and nothing is run on it.
func TestSnapshotCopyThatIsSeen(t *testing.T) {
	t.Parallel()
	s := sampleStored(t, dbserver.MariaDB, nil)
	before := contentOf(t, s.MySQL)
	mark, err := newScratch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	mark.Copy, mark.Snapshot = "zenml-upgrade-copy-x", "zenml-upgrade-x"
	copied := s.copyAt(s.a)
	err = copied.client.With(t.Context(), func(c *sql.Conn) error { return writeMarker(t.Context(), c, scratchMark, mark.Token) })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.unseen(t.Context(), copied, mark); !errors.Is(err, errNoCopy) {
		t.Errorf("%v", err)
	}
	s.untouched(t, before)
	if err := s.Drop(t.Context(), mark); err != nil || len(s.storage.Log(t)) > 0 {
		t.Errorf("%v, %v", err, s.storage.Log(t))
	}
}

// Only a copy with the marker that was journalled is removed, by whichever process.
func TestSnapshotCopyIsDroppedByItsMarker(t *testing.T) {
	t.Parallel()
	second := dbserver.Second(t, dbserver.MariaDB)
	s := sampleStored(t, dbserver.MariaDB, &second)
	c, err := s.Scratch(t.Context(), s.mustBackup(t).Path, t.TempDir(), ignore)
	if err != nil {
		t.Fatal(err)
	}
	name := storage.Copies(t, second)[0]
	dbserver.Exec(t, second.On(name), "UPDATE zenml_upgrade_marker SET token = CONCAT(token, 'x')")
	if err := s.Drop(t.Context(), c.Mark); err == nil || !strings.Contains(err.Error(), "by hand") || slices.Contains(s.storage.Log(t), "drop") {
		t.Errorf("%v, %v", err, s.storage.Log(t))
	}
	dbserver.Exec(t, second.On(name), "UPDATE zenml_upgrade_marker SET token = LEFT(token, CHAR_LENGTH(token) - 1)")
	// Killed in the command: what it left of the copy has no marker any more.
	s.storage.Before(t, "drop", `on copies "$copy" -e "DROP TABLE zenml_upgrade_marker"; exit 5`)
	if err := s.Drop(t.Context(), c.Mark); err == nil {
		t.Error("a drop that failed counts")
	}
	s.storage.Before(t, "drop", "")
	other := openSample(t, s.a.StoreURL(), "")
	other.options.Snapshots = s.options.Snapshots
	if err := other.Drop(t.Context(), c.Mark); err != nil || len(storage.Copies(t, second)) > 0 {
		t.Errorf("%v, %v", err, storage.Copies(t, second))
	}
}

// The means of a backup are told apart, and a limit of time ends a command for good.
func TestSnapshotMeans(t *testing.T) {
	t.Parallel()
	one, other := commandsIn("/a", ""), commandsIn("/b", "")
	if commandsDigest(one) != commandsDigest(commandsIn("/a", "/x")) || commandsDigest(one) == commandsDigest(other) {
		t.Error("the digest does not tell commands")
	}
	s := sampleStored(t, dbserver.MySQL, nil)
	m := s.mustBackup(t)
	s.options.Snapshots.Limit = 2 * time.Second
	s.storage.Before(t, "restore", "sleep 60")
	if err := s.Restore(t.Context(), m.Path); !errors.Is(err, proc.ErrTimeout) {
		t.Errorf("%v", err)
	}
	if _, err := s.Revision(t.Context()); err == nil {
		t.Error("a database whose restore was cut off passes for a whole one")
	}
	s.options.Snapshots = nil
	for name, err := range map[string]error{"restore": s.Restore(t.Context(), m.Path), "forget": ForgetSnapshot(t.Context(), s.MySQL, m.Snapshot)} {
		if err == nil || !strings.Contains(err.Error(), "no commands") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenStored(t.Context(), m.Path, t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "is a snapshot") {
		t.Errorf("%v", err)
	}
}
