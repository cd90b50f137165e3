package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
)

// The steps for a person are run as they are written.
func TestServerRestoreByHand(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		m := backupServer(t, d)
		settings := filepath.Join(t.TempDir(), "it's client.cnf")
		text := fmt.Sprintf("[client]\nhost=127.0.0.1\nport=%d\nuser=%s\npassword=%s\n", a.Port, a.User, a.Password)
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		dbserver.Exec(t, a, laterServer...)
		run := func() (string, error) {
			out, err := exec.Command("sh", filepath.Join(m.Path, scriptName), settings).CombinedOutput()
			return string(out), err
		}
		release := hold(t, a)
		if out, err := run(); err == nil || !strings.Contains(out, "1 other sessions") {
			t.Errorf("beside a session: %v %s", err, out)
		}
		release()
		out, err := run()
		if err != nil || !strings.HasSuffix(out, "restored\n") {
			t.Fatalf("%v: %s", err, out)
		}
		if lines := m.Fingerprint().Diff(contentOf(t, d)); len(lines) > 0 {
			t.Errorf("restored by hand, the database differs: %v", lines)
		}
	})
}

// The statement of a client that was killed goes on: it is waited for, and then nobody is there.
func TestServerOthersAwaitsAStatementsEnd(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		sleeping(t, d, a, 5) // s: longer than a session that is idle is waited for
		if others, err := d.Others(t.Context()); err != nil || len(others) > 0 {
			t.Errorf("then: %v %v", others, err)
		}
	})
}

// sleeping leaves a statement on the server whose client has gone, for so many seconds.
func sleeping(t *testing.T, d *MySQL, a mysql.Address, seconds int) {
	t.Helper()
	statement := fmt.Sprintf("DO SLEEP(%d)", seconds)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- mysql.New(&a).With(ctx, func(c *sql.Conn) error {
			_, err := c.ExecContext(ctx, statement)
			return err
		})
	}()
	runs := func(s mysql.Session) bool { return strings.Contains(s.What, statement) }
	for deadline := time.Now().Add(10 * time.Second); ; {
		now, err := d.client.Sessions(t.Context())
		if slices.ContainsFunc(now.Others, runs) {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the statement is not seen: %v", err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the client's statement ended with %v", err)
	}
}

// Whose a session is, is known by its port; what is ending is nobody's.
func TestServerStrangers(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		known, _ := helper(t, "session", a.StoreURL(), pathOn(t))
		pids := []int{known.Process.Pid}
		if found, err := d.Strangers(t.Context(), pids); err != nil || len(found) > 0 {
			t.Errorf("beside the known process: %v %v", found, err)
		}
		release := hold(t, a)
		if found, err := d.Strangers(t.Context(), pids); err != nil || len(found) != 1 || !strings.HasPrefix(found[0], "session ") {
			t.Errorf("beside a stranger: %v %v", found, err)
		}
		release()
		sleeping(t, d, a, 2)
		if found, err := d.Strangers(t.Context(), pids); err != nil || len(found) > 0 {
			t.Errorf("what is ending counts: %v %v", found, err)
		}
		if yes, err := d.OpenIn(t.Context(), pids); err != nil || !yes {
			t.Errorf("the known process has it open, but: %v %v", yes, err)
		}
		if yes, err := d.OpenIn(t.Context(), []int{os.Getpid()}); err != nil || yes {
			t.Errorf("this process has no session but the client's own, but: %v %v", yes, err)
		}
	})
}

// Through a proxy the server tells the proxy's ports: one that a process happens to have, too, says nothing.
func TestServerStrangersThroughAProxy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		_, a := sampleServer(t, kind, "")
		direct := a.StoreURL()
		a.Port = dbserver.NewProxy(t, net.JoinHostPort(a.Host, strconv.Itoa(a.Port))).Port
		d := openSample(t, a.StoreURL(), "")
		defer hold(t, a)()
		helper(t, "session", direct, pathOn(t))
		pids := []int{os.Getpid()} // the proxy is in this process: the ports agree
		if found, err := d.Strangers(t.Context(), pids); !errors.Is(err, ErrUnseen) {
			t.Errorf("told %v %v", found, err)
		}
		if yes, err := d.OpenIn(t.Context(), pids); err != nil || yes {
			t.Errorf("open in this process: %v %v", yes, err)
		}
	})
}

// hold keeps a session on the database.
func hold(t *testing.T, a mysql.Address) (release func()) {
	t.Helper()
	began, end, ended := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		c := mysql.New(&a)
		err := c.With(t.Context(), func(*sql.Conn) error { began <- nil; <-end; return nil })
		if err != nil {
			began <- err
		}
	}()
	if err := <-began; err != nil {
		t.Fatal(err)
	}
	return func() { close(end); <-ended }
}

func TestServerLock(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		d, a := sampleServer(t, kind, "")
		release, err := d.Lock(t.Context(), "run 7 by ana")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := openSample(t, a.StoreURL(), "").Lock(t.Context(), "run 8"); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "run 7 by ana") {
			t.Errorf("a second holder got %v", err)
		}
		if others, err := d.Others(t.Context()); err != nil || len(others) > 0 {
			t.Errorf("the lock's own session counts as somebody: %v %v", others, err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		_, kill := helper(t, "lock", a.StoreURL(), pathOn(t), "a run */ '\x1b[31m that dies")
		if _, err = d.Lock(t.Context(), "run 9"); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "that dies") || strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("another process holds it, but: %v", err)
		}
		kill()
		if release, err = d.Lock(t.Context(), "run 10"); err != nil {
			t.Fatalf("a dead holder keeps the lock: %v", err)
		}
		// A lost session is noticed, and the lock is taken again before a restore.
		killSleepers(t, a)
		deadline := time.Now().Add(10 * time.Second)
		for !d.lock.Lost() && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		if !d.lock.Lost() {
			t.Fatal("a killed session was not noticed")
		}
		if err := d.stillLocked(t.Context()); err != nil || d.lock.Lost() {
			t.Errorf("the lost lock was not taken again: %v", err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	})
}

func killSleepers(t *testing.T, a mysql.Address) {
	t.Helper()
	c := mysql.New(&a)
	err := c.WithServer(t.Context(), func(conn *sql.Conn) error {
		var id int64
		// Between two of its statements the session shows none.
		err := sql.ErrNoRows
		for end := time.Now().Add(10 * time.Second); errors.Is(err, sql.ErrNoRows) && time.Now().Before(end); {
			err = conn.QueryRowContext(t.Context(), "SELECT id FROM information_schema.processlist WHERE info LIKE '%held by: run 10%' AND id <> CONNECTION_ID()").Scan(&id)
		}
		if err != nil {
			return err
		}
		_, err = conn.ExecContext(t.Context(), fmt.Sprintf("KILL %d", id))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An account without the right to see everything is told, not trusted.
func TestServerAccountWithFewRights(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, kind string) {
		t.Helper()
		_, a := sampleServer(t, kind, "")
		admin := a.On("")
		user := func(name, grant string) *MySQL {
			full := name + "_" + a.Name[len(a.Name)-8:]
			dbserver.Exec(t, admin, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'p\"w''#\\\\ %%'", full), fmt.Sprintf("GRANT %s TO '%s'@'%%'", grant, full))
			t.Cleanup(func() { dbserver.Exec(t, admin, fmt.Sprintf("DROP USER '%s'@'%%'", full)) })
			b := a
			b.User, b.Password = full, `p"w'#\ %`
			return openSample(t, b.StoreURL(), "")
		}
		reader := user("reader", "SELECT, SHOW VIEW, LOCK TABLES ON `"+a.Name+"`.*")
		if _, err := reader.Backup(t.Context(), t.TempDir(), Meta{Now: time.Now()}); err == nil || !strings.Contains(err.Error(), "TRIGGER, EVENT") {
			t.Errorf("a backup that misses triggers and events: %v", err)
		}
		codes := []string{}
		for _, f := range reader.Check(t.Context()) {
			codes = append(codes, f.Code)
		}
		if !slices.Equal(codes, []string{"database_rights"}) {
			t.Errorf("%v", codes)
		}
		owner := user("owner", "ALL PRIVILEGES ON `"+strings.ReplaceAll(a.Name, "_", `\_`)+"`.*")
		if found := owner.Check(t.Context()); len(found) > 0 {
			t.Errorf("an account with all rights: %+v", found)
		}
		// The administrator's session cannot be seen by it: that is told.
		release := hold(t, a)
		defer release()
		others, err := owner.Others(t.Context())
		if err != nil || len(others) != 1 || !strings.Contains(others[0], "may not see") {
			t.Errorf("%v %v", others, err)
		}
	})
}
