package compat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

const (
	maxLog   = 1 << 20  // bytes kept of the beginning of a run's log
	maxTail  = 64 << 10 // and of the end of each stream, when the log was cut
	maxWrote = 20       // files named that a run changed
	fullDisk = 16 << 20 // bytes left below which failures are the disk's
)

// place is where one run of a pipeline happens.
type place struct {
	dir    string // its own copy of the repository
	before treeState
	mark   string // in the environment of all that it starts
	log    *os.File
	name   string // of the log, relative to the output folder; "" when none is kept
	notes  string // file of the warnings; see deprecations
}

// place makes a copy of the repository for one run, and its log.
func (w *world) place(p *pipeline, again string) (*place, error) {
	name := fileName(p.Name) + w.label + "-" + w.name + again
	pl := &place{dir: filepath.Join(w.dir, "runs", name), mark: "ZENML_UPGRADE_RUN=" + rand.Text()}
	if err := copyTree(w.repo, pl.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(pl.dir))
	}
	var err error
	if pl.before, err = readTree(pl.dir, nil); err != nil {
		return nil, errors.Join(err, os.RemoveAll(pl.dir))
	}
	folder := w.logs
	if folder == "" {
		folder = filepath.Join(w.dir, "logs")
	} else {
		pl.name = "logs/" + name + ".log"
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder for logs: %w", err)
	}
	if pl.log, err = os.Create(filepath.Join(folder, name+".log")); err != nil {
		return nil, fmt.Errorf("making a log: %w", err)
	}
	pl.notes = filepath.Join(w.dir, "runs", name+".jsonl")
	return pl, nil
}

// env is what a run gets beside its world: the mark, and the hooks that note warnings, before the
// folders that the configuration puts on Python's path.
func (p *place) env(w *world, configured []string) []string {
	path := filepath.Join(w.suite, "zu_hooks")
	if own := proc.Getenv(configured, "PYTHONPATH"); own != "" {
		path += string(filepath.ListSeparator) + own
	}
	// ZenML keeps credentials in a file of its configuration that runs beside each other would overwrite.
	config := "ZENML_CONFIG_PATH=" + filepath.Join(w.dir, "runs", filepath.Base(p.dir)+"-config")
	return []string{p.mark, config, "PYTHONPATH=" + path, "ZU_ROOT=" + p.dir, "ZU_DEPRECATIONS=" + p.notes}
}

// finish closes the log and says what the run left in the repository's copy, which goes with it.
func (p *place) finish(res *proc.Result) Attempt {
	if st, err := p.log.Stat(); err == nil && st.Size() > maxLog {
		for _, stream := range [][]byte{res.Stdout, res.Stderr} {
			fmt.Fprintf(p.log, "\n[the end of what it wrote]\n%s\n", stream[max(0, len(stream)-maxTail):])
		}
	}
	at := Attempt{Wrote: []string{}}
	if p.name != "" {
		at.Log = &p.name
	}
	if b, err := os.ReadFile(p.log.Name()); err == nil {
		at.tail = lastLines(b)
	}
	at.fault = p.fault(string(res.Stdout) + "\n" + string(res.Stderr))
	if after, err := readTree(p.dir, nil); err == nil {
		at.Wrote = append(at.Wrote, after.changed(p.before, true)...)
		at.Wrote = at.Wrote[:min(maxWrote, len(at.Wrote))]
	}
	return at
}

func (p *place) remove() {
	_ = p.log.Close()
	_ = os.RemoveAll(p.dir) // below a temporary folder that goes as a whole
}

// with adds where a run's log is and what it wrote to how it ended.
func (at Attempt) with(end Attempt) Attempt {
	end.Log, end.Wrote, end.tail, end.fault = at.Log, at.Wrote, at.tail, at.fault
	return end
}

var frame = regexp.MustCompile(`(?m)^\s*File "([^"]+)", line (\d+)`)

// fault finds the line of the repository's code that the last traceback of a run names last.
func (p *place) fault(said string) *Breakage {
	begin := strings.LastIndex(said, "Traceback (most recent call last)")
	if begin < 0 {
		return nil
	}
	trace := said[begin:]
	var out *Breakage
	for _, m := range frame.FindAllStringSubmatch(trace, -1) {
		file, err := filepath.Rel(p.dir, m[1])
		line, errLine := strconv.Atoi(m[2])
		if err == nil && errLine == nil && filepath.IsLocal(file) {
			out = &Breakage{File: filepath.ToSlash(file), Line: line}
		}
	}
	if out != nil {
		for text := range strings.Lines(trace) {
			if text[0] != ' ' && strings.TrimSpace(text) != "" && !strings.HasPrefix(text, "Traceback") {
				out.Message = clean(text)
				break
			}
		}
	}
	return out
}

const tailLines = 40

func lastLines(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	end := strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
	return clean(end[max(0, len(end)-longestDetail):]) // what went wrong stands last
}

// fileName makes a pipeline's name fit for a file.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
}

// failed is a failure, unless the world itself is broken: then nothing is known of the check.
func (w *world) failed(seconds *float64, detail string) Attempt {
	why := w.broken()
	if why == "" {
		return failure(seconds, detail)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.disturbed = why
	at := skip(why)
	at.Seconds = seconds
	return at
}

// broken says why this world can prove nothing any more, "" when it can.
func (w *world) broken() string {
	if w.guard != nil {
		if _, err := w.api.Info(context.Background()); err != nil { // the client has a time limit of its own
			return fmt.Sprintf("%s stopped answering while checks ran", w.name)
		}
	} else {
		select {
		case <-w.server.Done():
			return fmt.Sprintf("the throw-away server of ZenML %s ended while checks ran", w.version)
		default:
		}
	}
	if free, err := database.Free(w.dir); err == nil && free < fullDisk {
		return fmt.Sprintf("the disk that holds the test of ZenML %s is full", w.version)
	}
	return ""
}
