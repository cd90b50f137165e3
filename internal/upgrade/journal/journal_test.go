package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// helperEnv names the journal to which a copy of the test binary appends until it is killed.
const helperEnv = "JOURNAL_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperEnv); dir != "" {
		j, err := Create(dir, "run", time.Now)
		for err == nil {
			err = j.Append(Entry{Step: "copy", Event: Note}, map[string]string{"filler": strings.Repeat("x", 50_000)})
		}
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func clock(from time.Time) func() time.Time {
	return func() time.Time { from = from.Add(time.Second); return from }
}

var start = time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)

func write(t *testing.T, dir, run string, from time.Time, events ...Event) string {
	t.Helper()
	j, err := Create(dir, run, clock(from))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if err := j.Append(Entry{Step: "backup", Phase: "prepare", Event: e, Detail: "<b>\xff</b>\u2028"}, map[string]int{"n": i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return j.Path()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "r1", start, Begin, Done, End)
	r, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{}
	for i, e := range []Event{Begin, Done, End} {
		want = append(want, Entry{Seq: i + 1, Time: start.Add(time.Duration(i+1) * time.Second), Run: "r1", Step: "backup",
			Phase: "prepare", Event: e, Detail: "<b>\uFFFD</b>\u2028", State: json.RawMessage(`{"n":` + string(rune('0'+i)) + `}`)})
	}
	for i := len(r.Entries) - 1; i >= 0; i-- {
		if i > 0 && r.Entries[i].Prev != r.Entries[i-1].Hash {
			t.Errorf("entry %d does not hold the hash of the one before", i+1)
		}
		r.Entries[i].Prev, r.Entries[i].Hash = "", ""
	}
	if diff := cmp.Diff(want, r.Entries); diff != "" {
		t.Error(diff)
	}
	if r.Torn || !r.Finished() || r.Run() != "r1" {
		t.Errorf("torn %v, finished %v, run %q", r.Torn, r.Finished(), r.Run())
	}
	for _, p := range []string{path, filepath.Dir(path)} {
		if st, _ := os.Stat(p); st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", p, st.Mode())
		}
	}
	if _, err := Create(dir, "r1", time.Now); err == nil {
		t.Error("a second journal was created over the first")
	}
}

// Every single byte counts: each is changed in turn, and no change may pass for the journal.
func TestEveryByteIsGuarded(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "r1", start, Begin, Done, End)
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := read(bytes.NewReader(body))
	for i := range body {
		changed := bytes.Clone(body)
		changed[i] ^= 1
		r, err := read(bytes.NewReader(changed))
		lastByte := i == len(body)-1 // the line end: then the line is torn, and told so
		if err == nil && !(lastByte && r.Torn && len(r.Entries) == len(whole.Entries)-1) {
			t.Fatalf("byte %d (%q) changed, and the journal was accepted", i, body[i])
		}
	}
}

func TestBrokenChain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "r1", start, Begin, Done, Note, End)
	body, _ := os.ReadFile(path)
	lines := bytes.SplitAfter(body, []byte("\n"))
	other, _ := os.ReadFile(write(t, dir, "r2", start, Begin))
	for name, parts := range map[string][][]byte{
		"line removed":    {lines[0], lines[2], lines[3]},
		"first removed":   {lines[1], lines[2], lines[3]},
		"lines swapped":   {lines[0], lines[2], lines[1], lines[3]},
		"line doubled":    {lines[0], lines[0], lines[1]},
		"torn in between": {lines[0], lines[1][:20], []byte("\n"), lines[2]},
		"foreign line":    {lines[0], other},
		"blank line":      {lines[0], []byte("\n"), lines[1]},
	} {
		if _, err := read(bytes.NewReader(bytes.Join(parts, nil))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTornTailIsCutAndResumed(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile(write(t, t.TempDir(), "r1", start, Begin, Done))
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(body, '\n') + 1
	for end := first + 1; end < len(body); end += 7 {
		path := filepath.Join(t.TempDir(), "r1", FileName)
		_ = os.Mkdir(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, body[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		j, r, err := Resume(path, clock(start))
		if err != nil {
			t.Fatalf("cut at %d: %v", end, err)
		}
		if !r.Torn || len(r.Entries) != 1 || r.Finished() {
			t.Fatalf("cut at %d: torn %v, %d entries", end, r.Torn, len(r.Entries))
		}
		for _, want := range []string{"in another process", `in "an upgrade of staging, process `} {
			if _, _, err := Resume(path, time.Now); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), want) {
				t.Fatalf("a second writer: %v, want %s", err, want)
			}
			if err := j.HeldBy("an upgrade of staging"); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Append(Entry{Event: End}, nil); err != nil {
			t.Fatal(err)
		}
		_ = j.Close()
		if r, err = Read(path); err != nil || r.Torn || len(r.Entries) != 2 || !r.Finished() || string(r.Entries[1].State) != "null" {
			t.Fatalf("after resuming: %+v, %v", r, err)
		}
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if r, err := Last(filepath.Join(dir, "none")); r != nil || err != nil {
		t.Fatalf("an empty state folder gave %v, %v", r, err)
	}
	write(t, dir, "b-old", start, Begin, End)
	write(t, dir, "a-new", start.Add(time.Hour), Begin)
	write(t, dir, "c-empty", start)
	_ = os.Mkdir(filepath.Join(dir, "d-none"), 0o700)
	r, err := Last(dir)
	if err != nil || r.Run() != "a-new" || r.Finished() {
		t.Fatalf("got %+v, %v", r, err)
	}
	path := filepath.Join(dir, "b-old", FileName)
	body, _ := os.ReadFile(path)
	_ = os.WriteFile(path, bytes.Replace(body, []byte("begin"), []byte("xegin"), 1), 0o600)
	if _, err := Last(dir); err == nil {
		t.Error("a forged journal was passed over")
	}
}

func TestRunNames(t *testing.T) {
	t.Parallel()
	for _, run := range []string{"", ".", "..", "a/b", "/a", ".hidden"} {
		if _, err := Create(t.TempDir(), run, time.Now); err == nil {
			t.Errorf("%q was accepted", run)
		}
	}
}

func TestAppendAfterFailure(t *testing.T) {
	t.Parallel()
	j, err := Create(t.TempDir(), "r1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Entry{}, func() {}); err == nil {
		t.Error("a state that is no JSON was accepted")
	}
	_ = j.f.Close()
	if err := j.Append(Entry{Event: Begin}, nil); err == nil {
		t.Error("a write to a closed file succeeded")
	}
	if err := j.Append(Entry{Event: Begin}, nil); err == nil || !strings.Contains(err.Error(), "earlier entry failed") {
		t.Errorf("after a failed write: %v", err)
	}
}

func TestConcurrentAppend(t *testing.T) {
	t.Parallel()
	j, err := Create(t.TempDir(), "r1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := j.Append(Entry{Event: Note}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	_ = j.Close()
	if r, err := Read(j.Path()); err != nil || len(r.Entries) != 20 {
		t.Fatalf("%v, %v", r, err)
	}
}

// A process is killed in the middle of appending; every time the journal can be read and resumed.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	for range 5 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{helperEnv + "=" + dir}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "run", FileName)
		grown := func() bool { st, err := os.Stat(path); return err == nil && st.Size() > 200_000 }
		for deadline := time.Now().Add(30 * time.Second); !grown() && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		j, r, err := Resume(path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Entries) < 3 || r.Finished() {
			t.Fatalf("%d entries, finished %v", len(r.Entries), r.Finished())
		}
		if err := j.Append(Entry{Event: End}, nil); err != nil {
			t.Fatal(err)
		}
		_ = j.Close()
		if after, err := Read(path); err != nil || !after.Finished() || len(after.Entries) != len(r.Entries)+1 {
			t.Fatalf("%v", err)
		}
	}
}
