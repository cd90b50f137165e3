package facts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

const record = "zenml/a/x.py,sha256=1,1\nzenml/b/y.py,sha256=2,1\nzenml/a/z.txt,sha256=3,1\n"

func env(t *testing.T, text string) *pyenv.Env {
	t.Helper()
	return &pyenv.Env{Dir: files.Dir(t, map[string]string{"lib/python3.11/site-packages/zenml-1.dist-info/RECORD": text})}
}

// A digest changes with the folder's own files and with the reader, and with nothing else.
func TestDigest(t *testing.T) {
	t.Parallel()
	first, err := Digest(env(t, record), "zenml/a", "reader")
	if err != nil {
		t.Fatal(err)
	}
	for text, same := range map[string]bool{
		record: true, strings.Replace(record, "=1", "=9", 1): false, strings.Replace(record, "=2", "=9", 1): true, strings.Replace(record, "=3", "=9", 1): true,
	} {
		if got, err := Digest(env(t, text), "zenml/a", "reader"); err != nil || (got == first) != same {
			t.Errorf("%q gives %q, %v; %q before", text, got, err, first)
		}
	}
	if got, _ := Digest(env(t, record), "zenml/a", "another reader"); got == first {
		t.Error("another reader has the same digest")
	}
	if _, err := Digest(env(t, record), "zenml/c", "reader"); err == nil {
		t.Error("a folder without files has a digest")
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	dir, reads := t.TempDir(), 0
	decode := func(b []byte) (string, error) {
		if string(b) == "broken" {
			return "", errors.New("broken")
		}
		return string(b), nil
	}
	keep := func(says string) string {
		t.Helper()
		v, err := Keep(dir, "k", "d", decode, func() ([]byte, error) { reads++; return []byte(says), nil })
		if (err != nil) != (says == "broken") {
			t.Fatal(err)
		}
		return v
	}
	if keep("broken"); reads != 1 {
		t.Fatal("it was not read")
	}
	if got := keep("one"); got != "one" || reads != 2 {
		t.Errorf("what does not decode was kept: %q", got)
	}
	if got := keep("two"); got != "one" || reads != 2 {
		t.Errorf("what was kept is not used: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, Folder, "k-d.json"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := keep("three"); got != "three" || reads != 3 {
		t.Errorf("a damaged entry was used: %q", got)
	}
}
