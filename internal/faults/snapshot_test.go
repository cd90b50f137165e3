package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/storage"
)

// once has a hook do something the first time that a condition of the shell holds.
func once(condition, text string) string {
	return fmt.Sprintf(`if %s && [ ! -e "$here/once" ]; then touch "$here/once"; %s; fi`, condition, text)
}

// Whole upgrades whose backups are snapshots: what a hook does wrong, or a kill in it, leaves the data
// fully old or fully new, no copy, and no snapshot without a backup.
func TestUpgradesBySnapshots(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: whole upgrades are not run in a short run")
	}
	for name, c := range map[string]struct {
		kind         string
		fault        string            // of the stand-in
		before       map[string]string // what hooks do first
		killed       bool              // the first run is, by a hook; the second one is looked at
		exit         int
		outcome      string
		says, serves string
	}{
		"upgraded on MariaDB": {kind: dbserver.MariaDB, outcome: "upgraded", says: "was upgraded", serves: standin.New},
		"upgraded on MySQL":   {kind: dbserver.MySQL, outcome: "upgraded", says: "was upgraded", serves: standin.New},
		"put back":            {kind: dbserver.MariaDB, fault: "new-open-fails", exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old},
		"the real database is given for a copy": {
			kind: dbserver.MySQL, before: map[string]string{"restore": `echo "mysql://127.0.0.1:$ZENML_UPGRADE_DATABASE_PORT/$real"; exit 0`},
			exit: 1, outcome: "refused", says: "gave the real database", serves: standin.Old,
		},
		"a snapshot of another state": {
			kind: dbserver.MariaDB, before: map[string]string{"restore": `echo "UPDATE tag SET name = 'older';" >>"$snapshot.sql"`},
			exit: 1, outcome: "refused", says: "differs from its backup", serves: standin.Old,
		},
		"a hook that shows what it loads": {
			kind: dbserver.MySQL, before: map[string]string{"restore": `printf 'a row of somebody\nERROR 1064 at line 3\n' >&2; exit 1`},
			exit: 1, outcome: "refused", says: "exited with status 1: ERROR 1064 at line 3", serves: standin.Old,
		},
		"killed while the final snapshot is taken": {
			kind: dbserver.MySQL, before: map[string]string{"take": once(`[ -e "$here/first" ]`, `kill -9 $PPID; exec sleep 60`) + `; touch "$here/first"`},
			killed: true, exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old,
		},
		"killed while the copy is made": {
			kind: dbserver.MariaDB, before: map[string]string{"restore": once("true", `load copies "$copy"; kill -9 $PPID; exec sleep 60`)},
			killed: true, outcome: "upgraded", says: "was upgraded", serves: standin.New,
		},
		"killed while it is put back": {
			kind: dbserver.MySQL, fault: "new-open-fails", before: map[string]string{
				"restore": once(`[ "$ZENML_UPGRADE_RESTORE_TO" = original ]`, `on real -e "DROP DATABASE $real; CREATE DATABASE $real"; kill -9 $PPID; exec sleep 60`),
			},
			killed: true, exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := standin.NewSite(t, c.kind, shared)
			store, second := snapshots(t, s, c.kind)
			for command, text := range c.before {
				store.Before(t, command, text)
			}
			old := s.Content(t)
			if c.fault != "" {
				s.Fault(t, c.fault)
			}
			r := s.Run(t, "upgrade", byCommand)
			if c.killed {
				if r.Exit != -1 {
					t.Fatalf("the run was not killed: exit %d\n%s", r.Exit, r.Told)
				}
				r = s.Run(t, "upgrade", byCommand)
			}
			if r.Exit != c.exit || r.Result.Outcome != c.outcome || !strings.Contains(r.Text, c.says) {
				t.Errorf("exit %d, outcome %q, want %d, %q and %q in the report\n%s\n%s", r.Exit, r.Result.Outcome, c.exit, c.outcome, c.says, r.Told, r.Text)
			}
			if strings.Contains(r.Told+r.Text, second.Password) || strings.Contains(r.Told+r.Text, "a row of somebody") {
				t.Errorf("what a hook printed is told: %s", r.Text)
			}
			if v := s.Version(); v != c.serves {
				t.Errorf("version %q serves, want %q", v, c.serves)
			}
			whole(t, s, c.kind, old, c.serves)
			clean(t, s)
		})
	}
}

var byCommand = []string{"--backup-engine", "command"}

// snapshots has the backups of a site be snapshots in a storage; second is the server that holds the copies
// of them. In the end no copy may be left, and no snapshot without a backup.
func snapshots(t *testing.T, s *standin.Site, kind string) (store *storage.Storage, second mysql.Address) {
	t.Helper()
	second = dbserver.Second(t, kind)
	store = storage.New(t, kind, dbserver.Account(t, kind), second)
	s.Configure(t, store.Config())
	t.Cleanup(func() {
		if left := storage.Copies(t, second); len(left) > 0 {
			t.Errorf("copies were left: %v\n%v", left, store.Log(t))
		}
		if diff := cmp.Diff(snapshotsNamed(t, s), store.Snapshots(t)); diff != "" {
			t.Errorf("the snapshots are not those of the backups: %s\n%v", diff, store.Log(t))
		}
	})
	return store, second
}

// Later, by hand, a snapshot is gone back to like a dump: what is there is kept in one of its own.
func TestRollbackByHandToASnapshot(t *testing.T) {
	t.Parallel()
	for _, kind := range dbserver.Both {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := standin.NewSite(t, kind, shared)
			store, _ := snapshots(t, s, kind)
			old := s.Content(t)
			if r := s.Run(t, "upgrade", byCommand); r.Exit != 0 {
				t.Fatalf("the upgrade: exit %d\n%s", r.Exit, r.Told)
			}
			if err := s.Post("since", "completed"); err != nil {
				t.Fatal(err)
			}
			there := s.Content(t)
			if r := s.Run(t, "rollback", byCommand); r.Exit != 1 || r.Result.ReasonCode != "loss_not_accepted" {
				t.Fatalf("unasked: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
			}
			r := s.Run(t, "rollback", slices.Concat(byCommand, accepted))
			if r.Exit != 4 || r.Result.Outcome != "rolled_back" || s.Version() != standin.Old {
				t.Fatalf("exit %d, %s, %s serves\n%s\n%v", r.Exit, r.Result.Outcome, s.Version(), r.Told, store.Log(t))
			}
			whole(t, s, kind, old, standin.Old)
			kept(t, s, there)
			clean(t, s)
		})
	}
}

// A snapshot of a run that was cut off, which the hook does not remove, keeps nobody from upgrading, is
// told, and goes when the hook works again.
func TestASnapshotThatIsNotForgotten(t *testing.T) {
	t.Parallel()
	s := standin.NewSite(t, dbserver.MySQL, shared)
	store, _ := snapshots(t, s, dbserver.MySQL)
	store.Before(t, "take", once("true", `echo x >"$snapshot.sql"; kill -9 $PPID; exec sleep 60`))
	if r := s.Run(t, "upgrade", byCommand); r.Exit != -1 {
		t.Fatalf("the run was not killed: exit %d\n%s", r.Exit, r.Told)
	}
	store.Before(t, "forget", "exit 1")
	r := s.Run(t, "upgrade", byCommand)
	if r.Exit != 0 || r.Result.Outcome != "upgraded" || !strings.Contains(r.Text, "snapshot_not_forgotten") || len(store.Snapshots(t)) != 3 {
		t.Errorf("exit %d, %s, %v\n%s\n%s", r.Exit, r.Result.Outcome, store.Snapshots(t), r.Told, r.Text)
	}
	store.Before(t, "forget", "")
	if r := s.Run(t, "upgrade", byCommand); r.Exit != wasNew.exit || strings.Contains(r.Text, "snapshot_not_forgotten") || len(store.Snapshots(t)) != 2 {
		t.Errorf("exit %d, %v\n%s\n%s", r.Exit, store.Snapshots(t), r.Told, r.Text)
	}
	clean(t, s)
}

// snapshotsNamed are the snapshots that the site's backups name.
func snapshotsNamed(t *testing.T, s *standin.Site) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.Backups, "2*", "snapshot.txt"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSpace(string(text)))
	}
	return names
}
