package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// SQLite's lock bytes in the database file (https://www.sqlite.org/fileformat2.html, "the
// lock-byte page"): everybody in a transaction, and in write-ahead mode everybody connected,
// holds a lock on some of them.
const (
	lockBytesStart  = 0x40000000
	lockBytesLength = 512
)

const unseenHolder = "a process that cannot be seen from here (it holds a lock)"

// Others returns who else uses the database, as "pid 123 python": processes that have it or one
// of its journals open, and holders of SQLite's locks that cannot be seen as a process from here
// (another container, another user). The own process is left out; a lock that another goroutine
// of it holds at this moment is told like a stranger's.
//
// The open files of another user's process can be read by root only. Without root such a process
// is told when its user may write the database, because not knowing blocks. Processes of root are
// then told only by their locks: listing them all would block every run.
func (d *SQLite) Others(ctx context.Context) ([]string, error) {
	found, err := d.holders()
	if err != nil {
		return nil, fmt.Errorf("finding out who uses the database %q: %w", d.path, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	holder, err := lockHolder(d.real)
	if err != nil {
		return nil, fmt.Errorf("finding out who holds a lock on the database %q: %w", d.path, err)
	}
	unseen := holder == unseenHolder && len(found) > 0 // most likely one of those already found
	if holder != "" && !unseen && !slices.Contains(found, holder) {
		found = append(found, holder)
	}
	return found, nil
}

// lockHolder asks the kernel for a lock that stands against an exclusive one. It takes none, and
// so changes nothing and disturbs nobody.
func lockHolder(path string) (string, error) {
	f, err := os.Open(path) // safe beside our own connections: see askForOFDLocks
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	query := unix.Flock_t{Type: unix.F_WRLCK, Whence: 0, Start: lockBytesStart, Len: lockBytesLength}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &query); err != nil {
		return "", err
	}
	switch {
	case query.Type == unix.F_UNLCK || int(query.Pid) == os.Getpid():
		return "", nil
	case query.Pid > 0:
		return describe(int(query.Pid)), nil
	}
	return unseenHolder, nil
}

// Strangers tells the processes other than these that have the database or one of its journals open.
func (d *SQLite) Strangers(_ context.Context, pids []int) ([]string, error) {
	found, err := d.holders()
	if err != nil {
		return nil, fmt.Errorf("finding out who uses the database %q: %w", d.path, err)
	}
	return slices.DeleteFunc(found, func(who string) bool {
		return slices.ContainsFunc(pids, func(pid int) bool { return strings.HasPrefix(who, fmt.Sprintf("pid %d ", pid)) })
	}), nil
}

type inode struct{ dev, ino uint64 }

// holders looks through the open files of all processes, by inode: a path may look different
// from inside a container.
func (d *SQLite) holders() ([]string, error) {
	wanted, database := d.inodes()
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, p := range processes {
		pid, err := strconv.Atoi(p.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		switch opened, err := hasOpen(pid, wanted); {
		case opened:
			found = append(found, describe(pid))
		case errors.Is(err, fs.ErrPermission) && mayWrite(pid, database):
			found = append(found, describe(pid)+" (of another user: what it has open cannot be read)")
		case err != nil && !errors.Is(err, fs.ErrPermission):
			return nil, err
		}
	}
	return found, nil
}

// inodes are those of the database and its journals; the database's own comes apart, too.
func (d *SQLite) inodes() (wanted map[inode]bool, database unix.Stat_t) {
	wanted = map[inode]bool{}
	for _, suffix := range append([]string{""}, journalSuffixes...) {
		var st unix.Stat_t
		if err := unix.Stat(d.real+suffix, &st); err == nil {
			wanted[inode{st.Dev, st.Ino}] = true
			if suffix == "" {
				database = st
			}
		}
	}
	return wanted, database
}

// OpenIn says whether one of these processes has the database open.
func (d *SQLite) OpenIn(_ context.Context, pids []int) (bool, error) {
	wanted, _ := d.inodes()
	for _, pid := range pids {
		if opened, err := hasOpen(pid, wanted); opened || err != nil {
			return opened, err
		}
	}
	return false, nil
}

// hasOpen says whether a process has one of the files open. A process that ended meanwhile has not.
func hasOpen(pid int, wanted map[inode]bool) (bool, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	handle, err := os.Open(dir)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer handle.Close()
	names, err := handle.Readdirnames(-1)
	if err != nil && !gone(err) {
		return false, err
	}
	for _, name := range names {
		link := filepath.Join(dir, name)
		if to, err := os.Readlink(link); err != nil || !strings.HasPrefix(to, "/") {
			continue // a socket or pipe, or closed meanwhile
		}
		var st unix.Stat_t
		if unix.Stat(link, &st) == nil && wanted[inode{st.Dev, st.Ino}] {
			return true, nil
		}
	}
	return false, nil
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// mayWrite says whether a process's user, other than root, may write a file by its mode bits.
func mayWrite(pid int, file unix.Stat_t) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return !gone(err)
	}
	ids := map[string][]string{}
	for line := range strings.Lines(string(status)) {
		key, rest, _ := strings.Cut(line, ":")
		ids[key] = strings.Fields(rest)
	}
	uid, gid := fmt.Sprint(file.Uid), fmt.Sprint(file.Gid)
	switch {
	case slices.Contains(ids["Uid"], "0"):
		return false
	case slices.Contains(ids["Uid"], uid) && file.Mode&0o200 != 0:
		return true
	case (slices.Contains(ids["Gid"], gid) || slices.Contains(ids["Groups"], gid)) && file.Mode&0o020 != 0:
		return true
	}
	return file.Mode&0o002 != 0
}

func describe(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return fmt.Sprintf("pid %d", pid)
	}
	return fmt.Sprintf("pid %d %s", pid, oneLine(strings.TrimSpace(string(name))))
}
