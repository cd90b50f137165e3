package repo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// Git reads commits of the repository that a folder belongs to, as objects only: nothing is checked
// out, and nothing that the repository configures (hooks, filters, helpers, other remotes) runs.
type Git struct {
	Path string   // the program
	Dir  string   // the root of the repository, or a folder in it: then only that is read
	Env  []string // what the program inherits; every GIT_ variable of it is left out
}

// ErrNoCommit is wrapped when a commit is not in the checkout.
var ErrNoCommit = errors.New("the commit is not in this checkout")

// largestList bounds the listing of one commit: about 300,000 files.
const largestList = 32 << 20

var objectID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// IsCommitID says whether text is the full name of a commit, not a branch or an option.
func IsCommitID(text string) bool { return objectID.MatchString(text) }

func (g Git) command(args ...string) proc.Command {
	env := []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_REPLACE_OBJECTS=1",                       // a replaced commit would show other files
		"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", // a partial clone must not fetch: its remote may be a program
	}
	for _, kv := range g.Env {
		if !strings.HasPrefix(kv, "GIT_") {
			env = append(env, kv)
		}
	}
	// A runner's container works on a folder of another user's.
	args = append([]string{"-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "--no-pager"}, args...)
	return proc.Command{Path: g.Path, Args: args, Dir: g.Dir, Env: env}
}

// output runs git to its end and returns all it wrote.
func (g Git) output(ctx context.Context, args ...string) ([]byte, error) {
	out := &bounded{}
	p, err := proc.Start(ctx, g.command(args...), out)
	if err != nil {
		return nil, err
	}
	_ = p.Stdin.Close()
	<-p.Done()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("stopping git: %w", ctx.Err())
	case out.full:
		return nil, fmt.Errorf("git %s wrote more than %d MiB", args[0], largestList>>20)
	case p.ExitCode() != 0:
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(p.Tail()))
	}
	return out.buf.Bytes(), nil
}

// bounded keeps what is written to it up to largestList.
type bounded struct {
	buf  bytes.Buffer
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.full = b.full || b.buf.Len()+len(p) > largestList; b.full {
		return 0, io.ErrShortBuffer
	}
	return b.buf.Write(p)
}

// Parents returns the checked-out commit and what it was made of, as it is written in the commit
// itself: a shallow checkout knows the names too.
func (g Git) Parents(ctx context.Context) (id string, parents []string, err error) {
	out, err := g.output(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	if id = strings.TrimSpace(string(out)); err != nil || !IsCommitID(id) {
		return "", nil, errors.Join(errors.New("the checked-out commit is not known"), err)
	}
	out, err = g.output(ctx, "cat-file", "commit", id)
	if err != nil {
		return "", nil, err
	}
	for line := range strings.Lines(string(out)) {
		p, ok := strings.CutPrefix(strings.TrimSpace(line), "parent ")
		if ok && IsCommitID(p) {
			parents = append(parents, p)
		}
		if line == "\n" { // the message begins
			break
		}
	}
	return id, parents, nil
}

// Below is the folder, inside its repository, that is looked at: "svc/" or "" for the root.
func (g Git) Below(ctx context.Context) (string, error) {
	prefix, err := g.output(ctx, "rev-parse", "--show-prefix")
	return strings.TrimSuffix(string(prefix), "\n"), err
}

// Fork returns the newest commit that two commits share. A shallow checkout does not know it: the
// error wraps ErrNoCommit.
func (g Git) Fork(ctx context.Context, a, b string) (string, error) {
	if !IsCommitID(a) || !IsCommitID(b) {
		return "", fmt.Errorf("%q and %q are not names of commits", a, b)
	}
	out, err := g.output(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(out)) != "false" {
		return "", fmt.Errorf("where %s and %s part: %w", a, b, ErrNoCommit)
	}
	out, err = g.output(ctx, "merge-base", a, b)
	id := strings.TrimSpace(string(out))
	if err != nil || !IsCommitID(id) {
		return "", errors.Join(fmt.Errorf("where %s and %s part: %w", a, b, ErrNoCommit), err)
	}
	return id, nil
}

// Commit lists the files of a commit and reads them on demand. The error wraps ErrNoCommit when the
// checkout does not hold it. Close the tree when done.
func (g Git) Commit(ctx context.Context, id string) (*Tree, error) {
	if !IsCommitID(id) {
		return nil, fmt.Errorf("%q is not the name of a commit", id)
	}
	below, err := g.Below(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := g.output(ctx, "cat-file", "-e", id+"^{commit}"); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("commit %s: %w", id, ErrNoCommit)
	}
	list, err := g.output(ctx, "ls-tree", "-r", "-z", "--full-tree", id)
	if err != nil {
		return nil, fmt.Errorf("listing commit %s: %w", id, err)
	}
	entries, err := parseList(list)
	if err != nil {
		return nil, fmt.Errorf("listing commit %s: %w", id, err)
	}
	b, err := g.batch(ctx)
	if err != nil {
		return nil, err
	}
	return newListed(entries, below, b.blob, b.close), nil
}

// parseList reads git's "mode type id\tpath" entries, each ended by a null byte.
func parseList(list []byte) ([]Entry, error) {
	var out []Entry
	for rest := list; len(rest) > 0; {
		line, more, ok := bytes.Cut(rest, []byte{0})
		head, p, tab := bytes.Cut(line, []byte{'\t'})
		words := strings.Fields(string(head))
		if !ok || !tab || len(words) != 3 || !IsCommitID(words[2]) {
			return nil, fmt.Errorf("git's list has an entry %q", line)
		}
		out, rest = append(out, Entry{Path: string(p), Mode: words[0], ID: words[2]}), more
	}
	return out, nil
}

// batch is one git that answers for content after content.
type batch struct {
	mu   sync.Mutex
	proc *proc.Process
	out  *bufio.Reader
	pipe *io.PipeReader
	once sync.Once
	err  error // after which nothing it says can be trusted
}

func (g Git) batch(ctx context.Context) (*batch, error) {
	r, w := io.Pipe()
	p, err := proc.Start(ctx, g.command("cat-file", "--batch"), w)
	if err != nil {
		return nil, err
	}
	go func() {
		<-p.Done()
		_ = w.Close()
	}()
	return &batch{proc: p, out: bufio.NewReader(r), pipe: r}, nil
}

func (b *batch) blob(id string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	data, err := b.ask(id)
	var no refusal
	if err != nil && !errors.As(err, &no) {
		b.err = fmt.Errorf("git stopped answering: %w", err)
	}
	return data, err
}

// refusal is git's or our own no to one question, after which the next can be asked.
type refusal struct{ error }

// ask reads one answer: "id type size", the content, a line end.
func (b *batch) ask(id string) ([]byte, error) {
	if _, err := io.WriteString(b.proc.Stdin, id+"\n"); err != nil {
		return nil, err
	}
	head, err := b.out.ReadString('\n')
	if err != nil {
		return nil, err
	}
	words := strings.Fields(head)
	if len(words) == 2 && words[1] == "missing" {
		return nil, refusal{errors.New("it is not in this checkout")}
	}
	if len(words) != 3 || words[0] != id {
		return nil, fmt.Errorf("git answered %q", head)
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil || size < 0 {
		return nil, fmt.Errorf("git answered %q", head)
	}
	if size > largestFile || words[1] != "blob" {
		if _, err := io.CopyN(io.Discard, b.out, size+1); err != nil {
			return nil, err
		}
		return nil, refusal{tooLarge()}
	}
	data := make([]byte, size+1)
	_, err = io.ReadFull(b.out, data)
	return data[:size], err
}

func (b *batch) close() error {
	b.once.Do(func() { // its number may be another process's later
		_ = b.pipe.Close() // first: a git that is writing would not end
		b.proc.Kill()
	})
	return nil
}
