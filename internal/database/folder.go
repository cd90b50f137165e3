package database

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Meta is what the caller knows about the backup it asks for.
type Meta struct {
	ZenMLVersion string
	// Quiescent says that no server runs. Then the copy must equal the source, and a write by
	// anybody while the backup is made is an error. Without it the copy is one consistent state of
	// a database in use.
	Quiescent bool
	Now       time.Time
	Holder    string // the run that asks
	// EncryptionKey is the server's key for stored secrets, "" when it has none or it is not known.
	// It is tried on one stored secret; neither is kept.
	EncryptionKey string
	JWTKey        bool // whether the key of the server's tokens is at hand
	// Beside are files, by name with /, that are kept below server/ in the backup: how the server was
	// set up, for a person.
	Beside map[string][]byte
}

// folder is a backup's folder that is being made.
type folder struct {
	meta    Meta
	partial string   // its path while it is incomplete
	hold    *os.File // keeps sweep away from it, as long as we or a program that writes into it live
	final   string
	m       Manifest
}

// newFolder makes the folder of a backup of the database with this URL, under the name by which it
// is known to be incomplete.
func newFolder(dir, url string, meta Meta) (folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folder{}, err
	}
	name := meta.Now.UTC().Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:8])
	f := folder{meta: meta, final: filepath.Join(dir, name), partial: filepath.Join(dir, name+partialEnd(url))}
	if err := os.Mkdir(f.partial, 0o700); err != nil {
		return folder{}, err
	}
	if f.hold, err = HoldFolder(f.partial); err != nil {
		err = errors.Join(err, os.Remove(f.partial))
	}
	return f, err
}

// seal writes further files, by name, and then the manifest over all of them.
func (f *folder) seal(ctx context.Context, files map[string]string) error {
	f.m.Format, f.m.ToolVersion, f.m.CreatedAt = manifestSchema, version.Tool, f.meta.created()
	f.m.Keys.JWT = f.meta.JWTKey
	f.m.ZenMLVersion, f.m.Quiescent, f.m.Holder = f.meta.ZenMLVersion, f.meta.Quiescent, f.meta.Holder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := writeSynced(filepath.Join(f.partial, name), []byte(files[name])); err != nil {
			return err
		}
	}
	var err error
	if f.m.Beside, err = writeBeside(f.partial, f.meta.Beside); err != nil {
		return err
	}
	if f.m.Digest, err = folderDigest(ctx, f.partial, &f.m); err != nil {
		return err
	}
	body, err := f.m.encode()
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(f.partial, manifestName), body)
}

func (m Meta) created() time.Time { return m.Now.UTC().Truncate(time.Millisecond) }

// finish gives the folder its name once all of it is on the disk.
func (f *folder) finish(context.Context) error {
	if err := syncPath(f.partial); err != nil {
		return err
	}
	if err := os.Rename(f.partial, f.final); err != nil {
		return err
	}
	f.m.Path = f.final
	return errors.Join(syncPath(filepath.Dir(f.final)), f.hold.Close())
}

// remove takes an unfinished folder away.
func (f *folder) remove() error {
	return errors.Join(os.RemoveAll(f.partial), syncPath(filepath.Dir(f.partial)), f.hold.Close())
}
