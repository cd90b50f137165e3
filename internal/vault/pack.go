package vault

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"filippo.io/age"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

const manifestName = "manifest.json"

// ownKey lets a file's key out while the file is encrypted, so that it can be read back once by a
// process that has only the public half of anybody's key.
type ownKey struct {
	age.Recipient
	key []byte
}

func (o *ownKey) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	o.key = bytes.Clone(fileKey)
	return o.Recipient.Wrap(fileKey)
}

// WrapWithLabels keeps what the recipient demands of those beside it.
func (o *ownKey) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	if r, ok := o.Recipient.(age.RecipientWithLabels); ok {
		o.key = bytes.Clone(fileKey)
		return r.WrapWithLabels(fileKey)
	}
	s, err := o.Wrap(fileKey)
	return s, nil, err
}

// pack writes a backup's folder as one file, encrypted when there are recipients, reads it back from
// the disk and proves that it holds the backup. It returns the file's bytes and sha256.
func pack(ctx context.Context, m *database.Manifest, file string, recipients []age.Recipient) (int64, string, error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	var own *ownKey
	out := io.WriteCloser(nopCloser{f})
	if len(recipients) > 0 {
		own = &ownKey{Recipient: recipients[0]}
		if out, err = age.Encrypt(f, append([]age.Recipient{own}, recipients[1:]...)...); err != nil {
			return 0, "", fmt.Errorf("encrypting the backup: %w", err)
		}
	}
	if err := errors.Join(writeTar(ctx, m.Path, out), out.Close(), f.Sync()); err != nil {
		return 0, "", fmt.Errorf("packing the backup: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, "", err
	}
	sum := sha256.New()
	in := io.TeeReader(database.Stoppable(ctx, f), sum)
	plain := in
	if own != nil {
		if plain, err = age.Decrypt(in, age.NewInjectedFileKeyIdentity(own.key)); err != nil {
			return 0, "", fmt.Errorf("reading the encrypted backup back: %w", err)
		}
	}
	if err := holds(plain, m); err != nil {
		return 0, "", fmt.Errorf("the packed backup does not hold what was packed: %w", err)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return 0, "", err
	}
	st, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	return st.Size(), hex.EncodeToString(sum.Sum(nil)), nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func writeTar(ctx context.Context, folder string, out io.Writer) error {
	zip := gzip.NewWriter(out)
	w := tar.NewWriter(zip)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			return err
		}
		head := &tar.Header{Name: name, Mode: 0o600, Size: st.Size(), ModTime: st.ModTime(), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if err := w.WriteHeader(head); err != nil {
			return err
		}
		_, err = io.Copy(w, database.Stoppable(ctx, f))
		return err
	})
	return errors.Join(err, w.Close(), zip.Close())
}

// each hands every file of a packed backup on.
func each(packed io.Reader, use func(name string, in io.Reader) error) error {
	zip, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	r := tar.NewReader(zip)
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			// To the checksum at its end; what a tar is filled up with is short.
			if _, err = io.CopyN(io.Discard, zip, 1<<20); errors.Is(err, io.EOF) {
				return nil
			}
			return errors.Join(err, errors.New("it is longer than it says"))
		}
		if err != nil {
			return err
		}
		if head.Typeflag != tar.TypeReg || !fs.ValidPath(head.Name) || head.Name == "." {
			return fmt.Errorf("it holds %q, which no backup holds", head.Name[:min(len(head.Name), 100)])
		}
		if err := use(head.Name, r); err != nil {
			return err
		}
	}
}

// holds proves that a packed backup is the one that the manifest describes: the manifest itself, and
// files with its digest (h1: of golang.org/x/mod/sumdb/dirhash).
func holds(packed io.Reader, m *database.Manifest) error {
	sums := map[string]string{}
	err := each(packed, func(name string, in io.Reader) error {
		h := sha256.New()
		_, err := io.Copy(h, in)
		sums[name] = hex.EncodeToString(h.Sum(nil))
		return err
	})
	if err != nil {
		return err
	}
	manifest, err := os.ReadFile(filepath.Join(m.Path, manifestName))
	if err != nil {
		return err
	}
	if want := sha256.Sum256(manifest); sums[manifestName] != hex.EncodeToString(want[:]) {
		return errors.New("its manifest is another")
	}
	delete(sums, manifestName)
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fmt.Fprintf(h, "%s  %s\n", sums[name], name)
	}
	if got := "h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil)); got != m.Digest {
		return fmt.Errorf("its files have the digest %s, not %s", got, m.Digest)
	}
	return nil
}

// Unpack brings a packed backup back as a folder of its own name below dir, decrypted by one of the
// identities, and verifies it like any other backup. release removes the folder again: it holds data in
// the clear.
func Unpack(ctx context.Context, file, dir string, identities []age.Identity) (m *database.Manifest, release func() error, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	in, err := decrypted(database.Stoppable(ctx, f), file, identities)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	own, err := os.MkdirTemp(dir, openedStart)
	if err != nil {
		return nil, nil, err
	}
	hold, err := database.HoldFolder(own)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(own))
	}
	release = func() error { return errors.Join(os.RemoveAll(own), hold.Close()) }
	folder := filepath.Join(own, nameOf(file))
	if err = writeFiles(in, folder); err == nil {
		m, err = database.Verify(ctx, folder)
	}
	if fault.NoRoom(err) {
		err = fault.Unreachable(fmt.Sprintf("the packed backup %q could not be unpacked below %q", file, dir), err, "make room on the disk of state-dir")
	} else if err != nil {
		err = untrusted(file, err)
	}
	if err != nil {
		return nil, nil, errors.Join(err, release())
	}
	return m, release, nil
}

// decrypted reads a packed backup in the clear.
func decrypted(in io.Reader, file string, identities []age.Identity) (io.Reader, error) {
	if filepath.Ext(file) != encryptedEnd {
		return in, nil
	}
	if len(identities) == 0 {
		return nil, fault.BadInput(fmt.Sprintf("the backup %q is encrypted, and no backup-identity was given", file), "give the age identity of one of its recipients, as @FILE or ZENML_UPGRADE_BACKUP_IDENTITY")
	}
	out, err := age.Decrypt(in, identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, fault.BadInput(fmt.Sprintf("backup-identity does not open the backup %q", file), "give the age identity of one of the recipients that it was encrypted to")
	}
	if err != nil {
		return nil, untrusted(file, err)
	}
	return out, nil
}

func writeFiles(packed io.Reader, folder string) error {
	return each(packed, func(name string, in io.Reader) error {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Sync(), out.Close())
	})
}
