// Package journal keeps the record of an upgrade on disk, so that a killed run can be resumed or
// rolled back at the exact step, and so that nobody can change the record unseen.
//
// A journal is a file of JSON lines; each line holds the hash of the line before it. A line is on
// the disk before Append returns. The chain shows every change but one: last lines taken away
// whole look like a run that was killed earlier.
package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Event says what an entry tells about its step.
type Event string

// The events. Begin is written before a step acts, Done or Failed after; UndoBegin and Undone
// likewise for taking it back. End is a run's last entry: without it the run was killed.
const (
	Begin     Event = "begin"
	Done      Event = "done"
	Failed    Event = "failed"
	UndoBegin Event = "undo_begin"
	Undone    Event = "undone"
	Note      Event = "note"
	End       Event = "end"
)

// FileName is the journal's name in its run's folder.
const FileName = "journal.jsonl"

// longestLine bounds an entry with its state, when written and when read.
const longestLine = 16 << 20

// Entry is one line.
type Entry struct {
	Seq    int             `json:"seq"` // 1, 2, ...
	Time   time.Time       `json:"time"`
	Run    string          `json:"run"`
	Step   string          `json:"step"`
	Phase  string          `json:"phase"`
	Event  Event           `json:"event"`
	Detail string          `json:"detail"`
	State  json.RawMessage `json:"state"` // the run's whole state after this entry; null when none was given
	Prev   string          `json:"prev"`  // Hash of the entry before, "" in the first
	Hash   string          `json:"hash"`  // "sha256:..." over this line with "" here
}

// Journal is a run's journal, open for appending. Its methods may be called concurrently.
type Journal struct {
	mu   sync.Mutex
	f    *os.File
	path string
	run  string
	now  func() time.Time
	seq  int
	last string
	err  error // why nothing more can be appended
}

// Create begins the journal of a run at <dir>/<run>/journal.jsonl. A run that exists already is
// an error: it is resumed, never overwritten.
func Create(dir, run string, now func() time.Time) (*Journal, error) {
	if run == "" || run != filepath.Base(run) || strings.HasPrefix(run, ".") {
		return nil, fmt.Errorf("creating a journal: %q is not usable as the name of a run", run)
	}
	folder := filepath.Join(dir, run)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("creating a journal: %w", err)
	}
	path := filepath.Join(folder, FileName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating a journal: %w", err)
	}
	j := &Journal{f: f, path: path, run: run, now: now}
	// The names must survive a power cut, too: the file's, the run's and the state folder's.
	if err := errors.Join(lock(f), syncDir(folder), syncDir(dir), syncDir(filepath.Dir(dir))); err != nil {
		return nil, errors.Join(fmt.Errorf("creating the journal %q: %w", path, err), f.Close())
	}
	return j, nil
}

// Resume reopens a journal for appending. A torn last line is cut off. A run that is still being
// written by a living process is refused.
func Resume(path string, now func() time.Time) (*Journal, *Record, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("resuming a run: %w", err)
	}
	j, r, err := resume(f, path, now)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("resuming the run of %q: %w", path, err), f.Close())
	}
	return j, r, nil
}

func resume(f *os.File, path string, now func() time.Time) (*Journal, *Record, error) {
	if err := lock(f); err != nil {
		return nil, nil, err
	}
	r, err := read(f)
	if err != nil {
		return nil, nil, err
	}
	r.Path = path
	if r.Torn {
		if err := errors.Join(f.Truncate(r.whole), f.Sync()); err != nil {
			return nil, nil, fmt.Errorf("cutting off the torn last line: %w", err)
		}
	}
	j := &Journal{f: f, path: path, run: filepath.Base(filepath.Dir(path)), now: now, seq: len(r.Entries)}
	if n := len(r.Entries); n > 0 {
		j.last = r.Entries[n-1].Hash
	}
	return j, r, nil
}

// HeldBy tells other processes who writes the journal, until it is closed.
func (j *Journal) HeldBy(holder string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	text := fmt.Sprintf("%s, process %d on %s", holder, os.Getpid(), host)
	if err := os.WriteFile(filepath.Join(filepath.Dir(j.path), holderName), []byte(text), 0o600); err != nil {
		return fmt.Errorf("naming the holder of the journal: %w", err)
	}
	return nil
}

// Path is the file's path.
func (j *Journal) Path() string { return j.path }

// Append writes an entry and returns once it is on the disk. Step, Phase, Event and Detail are
// the caller's; state is stored as JSON, nil as null; the rest is filled in. After a failed
// Append nothing more is accepted: what is on the disk is then unknown until Resume reads it.
func (j *Journal) Append(e Entry, state any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return fmt.Errorf("writing the journal %q: an earlier entry failed: %w", j.path, j.err)
	}
	body, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encoding the state for the journal: %w", err)
	}
	e.Seq, e.Time, e.Run = j.seq+1, j.now().UTC(), j.run
	// Broken UTF-8 (a log line in Detail) would not read back as the bytes that were hashed.
	for _, s := range []*string{&e.Step, &e.Phase, &e.Detail} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
	}
	e.State, e.Prev = body, j.last
	line, hash, err := encode(e)
	if err != nil {
		return err
	}
	if len(line) > longestLine {
		return fmt.Errorf("writing the journal: the state takes %d bytes, more than any run's", len(line))
	}
	if _, err = j.f.Write(line); err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		j.err = err
		return fmt.Errorf("writing the journal %q: %w", j.path, err)
	}
	j.seq, j.last = e.Seq, hash
	return nil
}

// Close closes the file. It writes no End: that is the run's to say.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.err, os.ErrClosed) {
		return nil
	}
	j.err = os.ErrClosed
	return errors.Join(unlock(j.f), j.f.Close())
}

// encode returns an entry's line and its hash.
func encode(e Entry) ([]byte, string, error) {
	e.Hash = ""
	body, err := json.Marshal(e)
	if err != nil {
		return nil, "", fmt.Errorf("encoding a journal entry: %w", err)
	}
	sum := sha256.Sum256(body)
	e.Hash = "sha256:" + hex.EncodeToString(sum[:])
	line, err := json.Marshal(e)
	return append(line, '\n'), e.Hash, err
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
