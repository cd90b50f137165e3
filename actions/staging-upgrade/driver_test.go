package stagingupgrade

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
)

// What listens on the public port is taken for the old server only when it uses the very database: a
// stranger in its place would pass for a rollback that never happened.
func TestOnlyTheEnvironmentsOwnServerNeverLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "other.db")
	execute(t, path, "create table alembic_version (version_num text)")
	other := "sqlite:///" + path
	was, err := server.FindListener(s.Port)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stranger.Close() })
	for name, c := range map[string]struct {
		storeURL string
		port     int
		want     string // of the error; "": it is taken
	}{
		"its own":                      {s.StoreURL, s.Port, ""},
		"a ZenML of another database":  {other, s.Port, "does not use the database of database-url"},
		"no ZenML in the place of one": {s.StoreURL, stranger.Addr().(*net.TCPAddr).Port, errForeign.Error()},
	} {
		db, err := database.Open(c.storeURL, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = (&local{db: db, port: c.port}).StartOld(t.Context(), "0.85.0")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if now, err := server.FindListener(s.Port); err != nil || now.Pid != was.Pid || now.Started != was.Started {
		t.Errorf("the server was process %d and is %+v: %v", was.Pid, now, err)
	}
}
