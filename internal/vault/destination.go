package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/gcsblob" // gs://
	_ "gocloud.dev/blob/s3blob"  // s3://

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// destination is a place where packed backups of one database are kept, below a prefix of its own.
type destination struct {
	bucket *blob.Bucket
	said   string // for people: no query, no password
}

// CheckDestination says what is wrong with an address, without asking whoever is behind it.
func CheckDestination(address string) error {
	if address == "" || filepath.IsAbs(address) {
		return nil
	}
	u, err := url.Parse(address)
	if err == nil && u.User == nil && u.Host != "" && (u.Scheme == "s3" || u.Scheme == "gs" || u.Scheme == "azblob") {
		return nil
	}
	return fault.BadInput("backup-destination is no place that backups can be kept in", "give an absolute folder, s3://BUCKET?region=REGION, gs://BUCKET or azblob://CONTAINER; &prefix=FOLDER/ is taken by all three, credentials come from the environment")
}

func openDestination(ctx context.Context, address, source string) (*destination, error) {
	b, said, err := openBucket(ctx, address, true)
	if err != nil {
		return nil, err
	}
	return &destination{blob.PrefixedBucket(b, prefixOf(source)), said}, nil
}

// prefixOf keeps the backups of one database apart from those of others.
func prefixOf(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:6]) + "/"
}

// openBucket opens the place itself; said is its address for people. A folder is made only for writing.
func openBucket(ctx context.Context, address string, toWrite bool) (b *blob.Bucket, said string, err error) {
	if err := CheckDestination(address); err != nil {
		return nil, "", err
	}
	said = address
	if filepath.IsAbs(address) {
		// The temporary file must lie on the same disk, and nothing but the files themselves be there.
		b, err = fileblob.OpenBucket(address, &fileblob.Options{CreateDir: toWrite, DirFileMode: os.FileMode(0o700), NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	} else {
		said, _, _ = strings.Cut(address, "?")
		b, err = blob.OpenBucket(ctx, address)
	}
	if err != nil {
		return nil, "", fmt.Errorf("opening backup-destination %s: %w", said, err)
	}
	return b, said, nil
}

func (d *destination) close() error { return d.bucket.Close() }

// put copies a packed backup, reads it back, compares, and only then writes the record, which makes it count.
func (d *destination) put(ctx context.Context, file string, r *Record) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := d.write(ctx, r.Packed.File, database.Stoppable(ctx, f)); err != nil {
		return fmt.Errorf("copying to %s: %w", d.said, err)
	}
	in, err := d.bucket.NewReader(ctx, r.Packed.File, nil)
	if err != nil {
		return fmt.Errorf("reading back from %s: %w", d.said, err)
	}
	h := sha256.New()
	n, err := io.Copy(h, in)
	if err := errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("reading back from %s: %w", d.said, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != r.Packed.Bytes || got != r.Packed.SHA256 {
		return fmt.Errorf("what %s gives back is not what was copied there: sha256 %s, not %s", d.said, got, r.Packed.SHA256)
	}
	body, err := r.encode()
	if err != nil {
		return err
	}
	return d.write(ctx, r.Name+recordEnd, strings.NewReader(string(body)))
}

// write leaves nothing under the name when it fails: an upload is committed by Close, and given up when
// its context has ended before.
func (d *destination) write(ctx context.Context, key string, in io.Reader) error {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	w, err := d.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, in); err != nil {
		giveUp()
		_ = w.Close() // fails: it was given up
		return err
	}
	return w.Close()
}

// list returns the records of this database's backups, and the names of what has none: uploads of
// killed runs.
func (d *destination) list(ctx context.Context) (found []*Record, unfinished []string, err error) {
	keys := map[string]bool{}
	for it := d.bucket.List(nil); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("listing %s: %w", d.said, err)
		}
		keys[o.Key] = true
	}
	whole := map[string]bool{}
	for key := range keys {
		name, ok := strings.CutSuffix(key, recordEnd)
		if !ok {
			continue
		}
		in, err := d.bucket.NewReader(ctx, key, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("reading from %s: %w", d.said, err)
		}
		r, err := decode(in, name)
		if e := in.Close(); err == nil && e == nil && r.Packed != nil {
			found, whole[r.Packed.File] = append(found, r), true
		}
	}
	for key := range keys {
		name, packed := strings.CutSuffix(strings.TrimSuffix(key, encryptedEnd), packedEnd)
		if packed && nameForm.MatchString(name) && !whole[key] {
			unfinished = append(unfinished, key)
		}
	}
	return found, unfinished, nil
}

// remove takes a backup away, the record last: a killed removal is done again.
func (d *destination) remove(ctx context.Context, r *Record) error {
	for _, key := range []string{r.Packed.File, r.Name + recordEnd} {
		if err := d.bucket.Delete(ctx, key); err != nil {
			if there, e := d.bucket.Exists(ctx, key); e != nil || there {
				return fmt.Errorf("removing an old backup from %s: %w", d.said, err)
			}
		}
	}
	return nil
}
