package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// openedStart begins the names of folders below OpenDir, each with one unpacked backup.
const openedStart = "unpacked-"

// ParseIdentities reads what opens encrypted backups: lines AGE-SECRET-KEY-1..., as age-keygen writes
// them to a file. The error quotes nothing of it.
func ParseIdentities(text string) ([]age.Identity, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	ids, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil { // it may quote the key
		return nil, fault.BadInput("backup-identity holds no age identity", "give what age-keygen wrote: a line AGE-SECRET-KEY-1..., or @FILE; one with a passphrase must be decrypted before")
	}
	return ids, nil
}

// PackedFile returns the packed backup that a path names: itself, or what became of the folder. "" when
// there is none, or the folder is still there.
func PackedFile(path string) string {
	if isFolder(path) {
		return ""
	}
	for _, file := range []string{path, path + packedEnd + encryptedEnd, path + packedEnd} {
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && nameOf(file) != filepath.Base(file) {
			return file
		}
	}
	return ""
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// nameOf is the name of the folder that was packed into a file.
func nameOf(file string) string {
	return strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), encryptedEnd), packedEnd)
}

// Open returns a verified backup by its path. A packed one becomes a folder below OpenDir, which
// release removes: it holds data in the clear. The folder is its user's alone while the process lives.
// An identity that is missing or wrong is a fault of the input.
func (o *Options) Open(ctx context.Context, path string) (m *database.Manifest, release func() error, err error) {
	file := PackedFile(path)
	if file == "" {
		m, err = database.Verify(ctx, path)
		return m, func() error { return nil }, err
	}
	m, release, err = Unpack(ctx, file, o.OpenDir, o.Identities)
	if err != nil {
		return nil, nil, err
	}
	r, err := readRecord(filepath.Dir(file), nameOf(file))
	if err == nil && r != nil && (r.Digest != m.Digest || r.SourceURL != m.SourceURL) {
		err = errors.New("it holds another backup than the record beside it says")
	}
	if err != nil {
		return nil, nil, errors.Join(untrusted(file, err), release())
	}
	return m, release, nil
}

func untrusted(file string, err error) error {
	return &fault.Error{Kind: fault.NoVerdict, What: fmt.Sprintf("the packed backup %q cannot be trusted", file), Err: err,
		Safe: "nothing was restored from it", Next: "take another backup of backup-dir or backup-destination"}
}

// SweepOpened removes the unpacked backups that killed runs left, but none that a living process uses
// and none that held names.
func (o *Options) SweepOpened(held []string) error {
	entries, err := os.ReadDir(o.OpenDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(o.OpenDir, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), openedStart) || slices.ContainsFunc(held, func(h string) bool { return filepath.Dir(h) == path }) {
			continue
		}
		hold, err := database.HoldFolder(path)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(path), hold.Close()); err != nil {
			return fmt.Errorf("removing the unpacked backup %q of a run that was cut off: %w", path, err)
		}
	}
	return nil
}

// Newest returns the path of the newest backup in backup-dir, a folder or a packed file: of this database,
// or of the only one that has any there when source is "". Where there is none it is the newest one in
// the destination, by the path that Fetch gives it.
func (o *Options) Newest(ctx context.Context, source string) (string, error) {
	place, none := fmt.Sprintf("backup-dir %q", o.Dir), ""
	path, sources, err := newest(o.Dir, source)
	if o.Destination != "" && path == "" && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		place, none = "backup-destination", ", and backup-destination neither"
		path, sources, err = o.newestKept(ctx, source)
	}
	switch {
	case err != nil:
		return "", err
	case path == "":
		return "", fault.BadInput(fmt.Sprintf("backup-dir %q holds no complete backup of this database%s", o.Dir, none), "run mode backup first, or give the path of a backup")
	case len(sources) > 1:
		return "", fault.BadInput(fmt.Sprintf("%s holds backups of several databases: %s", place, strings.Join(sources, ", ")), "give the path of a backup, or database-url")
	}
	return path, nil
}

// NewestHere returns the path of the newest backup of the database in backup-dir, a folder or a packed file;
// "" when there is none.
func (v *Vault) NewestHere() (string, error) {
	path, _, err := newest(v.Dir, v.source)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return path, err
}

func newest(dir, source string) (path string, sources []string, err error) {
	packed, err := records(dir, source)
	if err != nil {
		return "", nil, fmt.Errorf("looking for a backup in %q: %w", dir, err)
	}
	folders, err := database.BackupsOf(dir, source)
	if err != nil {
		return "", nil, err
	}
	var at time.Time
	offer := func(p, of string, made time.Time) {
		if !slices.Contains(sources, of) {
			sources = append(sources, of)
		}
		if path == "" || made.After(at) {
			path, at = p, made
		}
	}
	for _, m := range folders {
		offer(m.Path, m.SourceURL, m.CreatedAt)
	}
	for _, r := range packed {
		if file := PackedFile(filepath.Join(dir, r.Name)); file != "" {
			offer(file, r.SourceURL, r.CreatedAt)
		}
	}
	return path, sources, nil
}
