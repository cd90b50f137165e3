package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mostEntries bounds what is read; a run writes some dozens.
const mostEntries = 100_000

// Record is a journal as it was read, its chain verified.
type Record struct {
	Path    string
	Entries []Entry
	// Torn says that the last line is not whole: the process was killed while it wrote it. It is
	// not among Entries. Append had not returned: a step of which it would have told the Begin had
	// not begun; one of which it would have told the Done did its work.
	Torn  bool
	whole int64 // bytes up to the end of the last whole line
}

// Run is the run's name, "" when nothing was written.
func (r *Record) Run() string {
	if len(r.Entries) == 0 {
		return ""
	}
	return r.Entries[0].Run
}

// Finished says whether the run came to its end.
func (r *Record) Finished() bool {
	n := len(r.Entries)
	return n > 0 && r.Entries[n-1].Event == End
}

// Read reads a journal and verifies it. A line that was changed, removed, added or moved is an
// error; a torn last line is not (Record.Torn).
func Read(path string) (*Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a journal: %w", err)
	}
	defer f.Close()
	r, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("reading the journal %q: %w", path, err)
	}
	r.Path = path
	return r, nil
}

func read(f io.Reader) (*Record, error) {
	r := &Record{Entries: []Entry{}}
	in := bufio.NewReader(f)
	last := ""
	for {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			r.Torn = len(line) > 0 // the line end is written with the line, in one write
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		e, err := decode(line, len(r.Entries)+1, last)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(r.Entries)+1, err)
		}
		if n := len(r.Entries); n > 0 && r.Entries[n-1].Run != e.Run {
			return nil, fmt.Errorf("line %d belongs to another run", n+1)
		}
		if len(r.Entries) == mostEntries {
			return nil, fmt.Errorf("it has more than %d lines, more than any that this tool writes", mostEntries)
		}
		r.Entries = append(r.Entries, e)
		r.whole += int64(len(line))
		last = e.Hash
	}
}

// readLine returns a line with its end; without an end beside io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > longestLine {
			return nil, errors.New("a line is longer than any that this tool writes")
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// decode reads one line and holds it against its place in the chain. The bytes must be the very
// ones that encode gives, so no change hides in white space or doubled keys.
func decode(line []byte, seq int, prev string) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("it is not an entry: %w", err)
	}
	same, hash, err := encode(e)
	switch {
	case err != nil:
		return e, err
	case hash != e.Hash || !bytes.Equal(same, line):
		return e, errors.New("it was changed after it was written")
	case e.Seq != seq || e.Prev != prev:
		return e, errors.New("the line before it was changed, removed or added")
	}
	return e, nil
}

// Runs returns the journals in a state folder, the newest first; none when there is no folder. The
// newest is the one whose first entry is latest. A journal that cannot be read is an error, not
// passed over: it may be the one that tells what to undo.
func Runs(dir string) ([]*Record, error) {
	folders, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for earlier runs: %w", err)
	}
	var runs []*Record
	for _, run := range folders {
		if !run.IsDir() || strings.HasPrefix(run.Name(), ".") {
			continue
		}
		r, err := Read(filepath.Join(dir, run.Name(), FileName))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(r.Entries) > 0 { // without an entry nothing was begun in that run
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *Record) int { return b.Entries[0].Time.Compare(a.Entries[0].Time) })
	return runs, nil
}

// Last returns the journal of the run that a new one must look at first, nil when there is none: one
// that has not ended, whatever its time says (clocks jump), else the newest.
func Last(dir string) (*Record, error) {
	runs, err := Runs(dir)
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	if i := slices.IndexFunc(runs, func(r *Record) bool { return !r.Finished() }); i > 0 {
		return runs[i], nil
	}
	return runs[0], nil
}

// unlock is said, and not left to the closing: a program that is just being started holds the file for a
// moment, and the lock with it.
func unlock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }

// ErrHeld says that a living process writes the journal.
var ErrHeld = errors.New("the run is still going on")

type heldError struct{ by string }

func (e heldError) Error() string        { return ErrHeld.Error() + " in " + e.by }
func (e heldError) Is(target error) bool { return target == ErrHeld }

// holderName is the file beside a journal that says who writes it. It decides nothing: the lock does.
const holderName = "holder"

// longestHolder bounds what is read of it.
const longestHolder = 300

func holderOf(path string) string {
	f, err := os.Open(filepath.Join(filepath.Dir(path), holderName))
	if err != nil {
		return "another process"
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestHolder))
	if err != nil || len(text) == 0 {
		return "another process"
	}
	return fmt.Sprintf("%q", text)
}

// lock lets one living process write a journal. The kernel frees it when the process ends.
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return heldError{holderOf(f.Name())}
	}
	return err
}
