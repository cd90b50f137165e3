package faults

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
)

// runsUnread takes away what is read of every run's row, and brings it back; the stand-in does without it.
var runsUnread = [2]string{"ALTER TABLE pipeline_run RENAME COLUMN start_time TO begun", "ALTER TABLE pipeline_run RENAME COLUMN begun TO start_time"}

// misled are the faults of an address, a key or a file that is another's than it seems, and those
// that repeat one of table's at another moment.
func misled() []oneFault {
	return []oneFault{
		{name: "the database stops during the first backup", kind: dbserver.MySQL, at: map[string]func(testing.TB, *standin.Site){
			"before backup begin": down(true), "before backup failed": down(false),
		}, exit: 1, outcome: "refused", says: "nothing of the running server or its database was changed", serves: standin.Old},
		{name: "the disk is full during the final backup", before: smallDisk, at: map[string]func(testing.TB, *standin.Site){
			"after final backup begin": fillDisk, "after final backup failed": emptyDisk,
		}, exit: 4, outcome: "rolled_back", says: "the disk is full", serves: standin.Old},
		{name: "a column in the way of the migration", kind: dbserver.MariaDB, at: at("after nobody wrote since done", statement("ALTER TABLE pipeline_run ADD COLUMN orchestrator VARCHAR(50)")),
			exit: 4, outcome: "rolled_back", says: backAgain, serves: standin.Old},
		{name: "the key is revoked while the server is down; a person gives it back", at: at("after stop the old server done", statement("UPDATE api_key SET data = REPLACE(data, 'key', 'revoked')")),
			exit: 5, outcome: "rollback_failed", says: "the data is safe in the backup", serves: standin.Old, then: func(t *testing.T, s *standin.Site, r standin.Ran) {
				t.Helper()
				s.Exec(t, "UPDATE api_key SET data = REPLACE(data, 'revoked', 'key')")
				next(4, "rolled_back")(t, s, r)
			}},
		{name: "the right key of another server", before: func(t *testing.T, s *standin.Site) {
			t.Helper()
			s.Key = standin.NewSite(t, standin.SQLite, shared).Key
		}, exit: 2, outcome: "", says: "refused the key", serves: standin.Old, leaves: true},
		anothersDatabase(),
		{name: "two runs at once on two databases, with one state-dir", at: at("after rehearsal begin", func(t testing.TB, s *standin.Site) {
			t.Helper()
			other := standin.NewSite(t, standin.SQLite, shared)
			r := other.Run(t, "upgrade", []string{"--state-dir", filepath.Join(s.Backups, "state")})
			if r.Exit != 1 || r.Result.ReasonCode != "locked" || !strings.Contains(r.Text, "zenml-upgrade upgrade of staging, process") || other.Version() != standin.Old {
				t.Errorf("the second run: exit %d, %s\n%s", r.Exit, r.Result.ReasonCode, r.Told)
			}
		}), exit: 0, outcome: "upgraded", says: "was upgraded", serves: standin.New},
		{name: "scratch-database-url is production under another name", kind: dbserver.MySQL, mode: "rehearse", before: productionAsScratch,
			exit: 1, outcome: "refused", says: "**Block:** scratch-database-url leads to the very server", serves: standin.Old},
		{name: "the rows of the pipeline runs cannot be read", before: func(t *testing.T, s *standin.Site) {
			t.Helper()
			s.Exec(t, runsUnread[0])
		}, exit: 1, outcome: "refused", says: "pipelines_unknown", serves: standin.Old, then: func(t *testing.T, s *standin.Site, _ standin.Ran) {
			t.Helper()
			s.Exec(t, runsUnread[1])
		}},
		{name: "a truncated dump of ZenML's own, which its settings would restore", kind: dbserver.MariaDB, before: truncatedDump,
			exit: 0, outcome: "upgraded", says: "was upgraded", serves: standin.New},
	}
}

// anothersDatabase is a database-url and a settings file that agree and name the database of another server.
func anothersDatabase() oneFault {
	var own string
	var other *standin.Site
	var before database.Fingerprint
	return oneFault{name: "database-url and the settings file are of another server", before: func(t *testing.T, s *standin.Site) {
		t.Helper()
		other = standin.NewSite(t, standin.SQLite, shared)
		before = other.Content(t)
		own, s.Store = s.Store, other.Store
		s.Settings(t, "ZENML_STORE_URL="+own, "ZENML_STORE_URL="+other.Store)
	}, exit: 1, outcome: "refused", says: "other_database", serves: standin.Old, then: func(t *testing.T, s *standin.Site, _ standin.Ran) {
		t.Helper()
		s.Store = own
		if diff := before.Diff(other.Content(t)); len(diff) > 0 || other.Version() != standin.Old {
			t.Errorf("the other server was touched: %v", diff)
		}
	}}
}

// productionAsScratch makes the site a production one that gives its own database server for
// throw-away copies, by the address behind the proxy, where this machine has no server program.
func productionAsScratch(t *testing.T, s *standin.Site) {
	t.Helper()
	s.Setenv("PATH", filepath.Join(s.Dir, "bin")+":"+os.Getenv("PATH")) // without the tests' own MySQL
	a := dbserver.Account(t, dbserver.MySQL)
	scratch := url.URL{Scheme: "mysql", User: url.UserPassword(a.User, a.Password), Host: net.JoinHostPort("localhost", strconv.Itoa(a.Port))}
	if strings.Contains(s.Store, scratch.Host) {
		t.Fatal("it is the same name")
	}
	s.Setenv("ZENML_UPGRADE_SCRATCH_DATABASE_URL", scratch.String())
	s.OfKind(t, "production")
}

// truncatedDump leaves a dump that ZenML's own backup was cut off in where the server's settings look for one.
func truncatedDump(t *testing.T, s *standin.Site) {
	t.Helper()
	u, err := url.Parse(s.Store)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.Dir, "zenml-backups")
	path := filepath.Join(dir, strings.TrimPrefix(u.Path, "/")+"-backup.json")
	text := `[{"table": "pipeline_run", "create_stmt": "CREATE TA`
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Settings(t, "ZENML_SECRETS_STORE_TYPE=sql", "ZENML_SECRETS_STORE_TYPE=sql\nZENML_STORE_BACKUP_STRATEGY=dump-file\nZENML_STORE_BACKUP_DIRECTORY="+dir)
	t.Cleanup(func() {
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("ZenML's own backup wrote: %q, %v", now, err)
		}
	})
}
