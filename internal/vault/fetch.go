package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// prefixForm is how the folders of databases in a destination are called.
var prefixForm = regexp.MustCompile(`^[0-9a-f]{12}/$`)

// NameOf is the name of the backup that a path or an address ends with, "" when it ends with none.
func NameOf(path string) string {
	if name := nameOf(path); nameForm.MatchString(name) {
		return name
	}
	return ""
}

// eachKept opens the place of every database in the destination, or that of one.
func (o *Options) eachKept(ctx context.Context, source string, use func(*destination) error) error {
	prefixes := []string{prefixOf(source)}
	if source == "" {
		b, said, err := openBucket(ctx, o.Destination, false)
		if err != nil {
			return err
		}
		prefixes, err = databasesIn(ctx, b)
		if err := errors.Join(err, b.Close()); err != nil {
			return fmt.Errorf("listing %s: %w", said, err)
		}
	}
	for _, prefix := range prefixes {
		b, said, err := openBucket(ctx, o.Destination, false)
		if err != nil {
			return err
		}
		d := &destination{blob.PrefixedBucket(b, prefix), said}
		if err := errors.Join(use(d), d.close()); err != nil {
			return err
		}
	}
	return nil
}

func databasesIn(ctx context.Context, b *blob.Bucket) ([]string, error) {
	var out []string
	for it := b.List(&blob.ListOptions{Delimiter: "/"}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if o.IsDir && prefixForm.MatchString(o.Key) {
			out = append(out, o.Key)
		}
	}
}

// newestKept is newest for the destination; the path is the one that the backup gets when it is opened.
func (o *Options) newestKept(ctx context.Context, source string) (path string, sources []string, err error) {
	var best *Record
	err = o.eachKept(ctx, source, func(d *destination) error {
		found, _, err := d.list(ctx)
		for _, r := range found {
			if !slices.Contains(sources, r.SourceURL) {
				sources = append(sources, r.SourceURL)
			}
			if best == nil || r.CreatedAt.After(best.CreatedAt) {
				best = r
			}
		}
		return err
	})
	if err != nil {
		return "", nil, unreached(err)
	}
	if best != nil {
		path = filepath.Join(o.Dir, best.Packed.File)
	}
	return path, sources, nil
}

// Fetch brings a backup that is in the destination alone back to backup-dir, packed, with its record, and
// proves that it is what was copied there. It is then found by its path like one that never was away.
func (o *Options) Fetch(ctx context.Context, path string) error {
	name, file := NameOf(path), ""
	if o.Destination == "" || name == "" || isFolder(path) || PackedFile(path) != "" {
		return nil
	}
	err := o.eachKept(ctx, "", func(d *destination) error {
		if file != "" {
			return nil
		}
		r, err := d.record(ctx, name)
		if err != nil || r == nil {
			return err
		}
		file, err = o.bring(ctx, d, r)
		return err
	})
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case fault.NoRoom(err):
		return fault.Unreachable(fmt.Sprintf("the backup %q could not be fetched into %q", name, o.Dir), err, "make room on the disk of backup-dir")
	case err != nil:
		return unreached(err)
	case file == "":
		return fault.BadInput(fmt.Sprintf("the backup %q is neither in backup-dir nor in backup-destination", name), "give the name of a backup that is in one of them")
	}
	return nil
}

func unreached(err error) error {
	return fault.Unreachable("backups could not be fetched from backup-destination", err, "mend the destination or its credentials, or copy the backup to backup-dir")
}

// record returns null where there is none of that name.
func (d *destination) record(ctx context.Context, name string) (*Record, error) {
	in, err := d.bucket.NewReader(ctx, name+recordEnd, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading from %s: %w", d.said, err)
	}
	r, err := decode(in, name)
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("reading from %s: %w", d.said, err)
	}
	if r.Packed == nil {
		return nil, fmt.Errorf("reading from %s: the record of the backup %q names no file", d.said, name)
	}
	return r, nil
}

// bring copies the file, under the name of one that is being made until it is proved: a killed run's
// is written anew.
func (o *Options) bring(ctx context.Context, d *destination, r *Record) (file string, err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return "", err
	}
	file = filepath.Join(o.Dir, r.Packed.File)
	if here, err := readRecord(o.Dir, r.Name); err != nil || here != nil && here.Digest != r.Digest {
		return "", untrusted(file, errors.Join(err, errors.New("the record in backup-dir is of another backup than the one in backup-destination")))
	}
	temp := filepath.Join(o.Dir, r.Name+packingEnd)
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	defer out.Close()
	if err := unix.Flock(int(out.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return "", fmt.Errorf("another run fetches the backup %q: %w", r.Name, err)
	}
	if err := o.copyInto(ctx, out, d, r); err != nil {
		return "", errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, file); err != nil {
		return "", err
	}
	if err := r.write(o.Dir); err != nil {
		return "", errors.Join(err, os.Remove(file)) // without a record nobody knows what it is
	}
	return file, nil
}

func (o *Options) copyInto(ctx context.Context, out *os.File, d *destination, r *Record) error {
	in, err := d.bucket.NewReader(ctx, r.Packed.File, nil)
	if err != nil {
		return fmt.Errorf("reading from %s: %w", d.said, err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), io.LimitReader(database.Stoppable(ctx, in), r.Packed.Bytes+1))
	if err := errors.Join(out.Truncate(n), err, in.Close(), out.Sync()); err != nil {
		return fmt.Errorf("copying from %s: %w", d.said, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != r.Packed.Bytes || got != r.Packed.SHA256 {
		return untrusted(strings.TrimSuffix(d.said, "/")+"/"+r.Packed.File, fmt.Errorf("it is not what was copied there: sha256 %s, not %s", got, r.Packed.SHA256))
	}
	return nil
}
