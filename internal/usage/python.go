package usage

import (
	"bufio"
	"bytes"
	"context"
	_ "embed" // the reader
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

//go:embed scan.py
var script string

const (
	readLimit  = 3 * time.Minute // 2,000 files take 3 s
	mostAnswer = 256 << 20       // bytes that the reader may print of all files
	readers    = 2               // processes
	fewFiles   = 200             // for so many one process is faster
)

// described is what the reader prints for a file. A use is kind, name, line, text and why it is not reached.
type described struct {
	File    string              `json:"f"`
	Line    int                 `json:"line"`
	Error   string              `json:"error"`
	Uses    [][5]any            `json:"uses"`
	Loose   map[string][]int    `json:"loose"`
	Exports map[string]string   `json:"exports"`
	Classes map[string]ownClass `json:"classes"`
	Dead    [][3]any            `json:"dead"`
	Modules map[string]int      `json:"modules"`
	Shell   [][3]any            `json:"shell"`
}

type ownClass struct {
	Bases      []*string          `json:"bases"`
	Attributes map[string]*string `json:"attributes"` // null: of an origin that is not known
	Members    []string           `json:"members"`
}

// source is a file's Python code; lines maps its lines to the file's, nil when they are the same.
type source struct {
	text  string
	lines []int
	shell []shellText
}

// readPython describes every Python file of the tree.
func (b *builder) readPython(ctx context.Context) error {
	var files []string
	for _, p := range b.tree.Files {
		if repo.IsPython(p) {
			files = append(files, p)
		}
	}
	if len(files) == 0 {
		return nil
	}
	n := 1
	if len(files) > fewFiles {
		n = readers
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range n {
		group.Go(func() error { return b.readShare(ctx, files, i, n) })
	}
	return group.Wait()
}

// readShare describes every nth file. The files' text goes through a pipe, so that no more than one
// of them is held at a time.
func (b *builder) readShare(ctx context.Context, files []string, i, n int) error {
	in, out := io.Pipe()
	maps := map[string][]int{}
	go func() {
		w := bufio.NewWriterSize(out, 1<<16)
		enc := json.NewEncoder(w)
		err := enc.Encode(b.own)
		for k := i; k < len(files) && err == nil; k += n {
			s, ok := b.source(files[k])
			if !ok {
				continue
			}
			if s.lines != nil {
				b.mu.Lock()
				maps[files[k]] = s.lines
				b.mu.Unlock()
			}
			err = enc.Encode(map[string]string{"f": files[k], "p": packageOf(files[k]), "s": s.text})
		}
		if err == nil {
			err = w.Flush()
		}
		out.CloseWithError(err)
	}()
	answer := &lines{each: func(line []byte) error {
		var d described
		if err := json.Unmarshal(line, &d); err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.take(&d, maps[d.File])
		return nil
	}}
	_, err := proc.Run(ctx, proc.Command{
		Path: b.Python, Args: []string{"-I", "-S", "-c", script, b.To}, Stdin: in, Env: append(slices.Clone(b.Env), "PYTHONIOENCODING=utf-8"),
		Dir: os.TempDir(), Log: answer, MaxLog: mostAnswer, Keep: 64 << 10, Timeout: readLimit,
	})
	in.Close()
	if err = errors.Join(err, answer.err); err != nil {
		return fmt.Errorf("reading what the Python code uses: %w", err)
	}
	return nil
}

// lines calls each for every whole line that is written to it, until one is wrong: an answer is taken in
// while it comes, and never held whole.
type lines struct {
	each func([]byte) error
	part []byte
	err  error
}

func (l *lines) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for l.err == nil {
		i := bytes.IndexByte(l.part, '\n')
		if i < 0 {
			break
		}
		l.err = l.each(l.part[:i])
		l.part = l.part[i+1:]
	}
	l.part = append([]byte(nil), l.part...)
	return len(p), nil
}

func (b *builder) source(p string) (source, bool) {
	data, err := b.tree.Read(p)
	if err != nil {
		b.gap(p, 0, "it could not be read, or is larger than 4 MiB")
		return source{}, false
	}
	if path.Ext(p) != ".ipynb" {
		return source{text: strings.ToValidUTF8(strings.TrimPrefix(string(data), "\ufeff"), "?")}, true
	}
	s, err := notebook(data)
	if err != nil {
		b.gap(p, 0, "it is not a notebook that can be read")
		return source{}, false
	}
	for _, t := range s.shell {
		b.shell(p, t)
	}
	return s, true
}

// take adds what a file was described with. lines maps a notebook's code to the lines of its file.
func (b *builder) take(d *described, lines []int) {
	at := func(n any) int {
		f, _ := n.(float64)
		line := int(f)
		if lines != nil && line >= 1 && line <= len(lines) {
			return lines[line-1]
		}
		return line
	}
	if d.Error != "" {
		b.x.Gaps = append(b.x.Gaps, repo.Gap{File: d.File, Line: at(float64(d.Line)), Why: d.Error})
		return
	}
	b.x.PythonFiles++
	f := &pyFile{name: d.File, exports: d.Exports, classes: d.Classes}
	for _, u := range d.Uses {
		kind, _ := u[0].(string)
		name, _ := u[1].(string)
		text, _ := u[3].(string)
		why, _ := u[4].(string)
		kind, name, text, why = b.one(kind), b.one(name), b.one(text), b.one(why)
		p := Place{File: d.File, Line: at(u[2]), Kind: Kind(kind), Name: name, Text: text, Unreached: why}
		if leadsOn(p) {
			f.uses = append(f.uses, p)
		} else {
			b.add(p)
		}
	}
	for name, where := range d.Loose {
		for _, n := range where {
			b.add(Place{File: d.File, Line: at(float64(n)), Kind: Member, Name: b.one(name)})
		}
	}
	for name, n := range d.Modules {
		b.add(Place{File: d.File, Line: at(float64(n)), Kind: Module, Name: b.one(name)})
	}
	for _, s := range d.Dead {
		why, _ := s[2].(string)
		b.x.dead[d.File] = append(b.x.dead[d.File], span{at(s[0]), at(s[1]), why})
	}
	for _, s := range d.Shell {
		text, _ := s[0].(string)
		why, _ := s[2].(string)
		f.shell = append(f.shell, shellText{text: text, line: at(s[1]), fixed: true, why: why})
	}
	b.files = append(b.files, f)
}

// packageOf returns the dotted name of the folder that a file's relative imports start from.
func packageOf(p string) string {
	dir := path.Dir(p)
	if dir == "." {
		return ""
	}
	return strings.ReplaceAll(dir, "/", ".")
}
