package release

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Body is one release's notes as they were published. Text is hostile.
type Body struct {
	Version     string // the tag without a leading v
	PublishedAt *time.Time
	URL         string // the release's page; empty when it is not an http(s) address
	Text        string // Markdown
	Cut         bool   // Text is only the beginning of what was published
}

// Bounds of what is read. GitHub itself refuses bodies above 125,000 characters.
const (
	largestFile = 64 << 20
	longestBody = 125_000
	mostFiles   = 200
)

// listed is the part of GitHub's list-releases answer that is read.
type listed struct {
	Tag         *string    `json:"tag_name"`
	Body        *string    `json:"body"`
	PublishedAt *time.Time `json:"published_at"`
	URL         *string    `json:"html_url"`
	Draft       bool       `json:"draft"`
}

// FromPath reads release notes from a file shaped like GitHub's list-releases answer (a JSON
// array), or from every *.json of a folder that is shaped so. A version that several files tell of
// is taken from the longest text. Newest first. Every unreadable file is an input fault of its own.
func FromPath(path string) ([]Body, error) {
	files := []string{path}
	st, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	folder := st.IsDir()
	if folder {
		if files, err = filepath.Glob(filepath.Join(escapeGlob(path), "*.json")); err != nil {
			return nil, unreadable(path, err)
		}
		if len(files) == 0 || len(files) > mostFiles {
			return nil, fault.BadInput(fmt.Sprintf("the folder of release notes %q holds %d .json files", path, len(files)),
				fmt.Sprintf("give a folder with 1 to %d files shaped like GitHub's list-releases answer", mostFiles))
		}
	}
	var all []Body
	var faults []error
	read := 0
	for _, f := range files {
		bodies, isList, err := readFile(f)
		switch {
		case err != nil:
			faults = append(faults, err)
		case !isList && !folder:
			faults = append(faults, unreadable(f, errors.New("it is not a list of releases")))
		case isList:
			read++
			all = append(all, bodies...)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if read == 0 {
		return nil, fault.BadInput(fmt.Sprintf("no file of %q is a list of releases", path),
			"give files shaped like GitHub's list-releases answer: a JSON array of objects with tag_name and body")
	}
	return merge(all), nil
}

func unreadable(path string, err error) error {
	f := fault.BadInput(fmt.Sprintf("the release notes %q cannot be read", path),
		"give a file or folder shaped like GitHub's list-releases answer, or leave releases at github")
	f.Err = err
	return f
}

// escapeGlob keeps a folder's name from being read as a pattern.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// readFile reads one file and says whether it is a list of releases. Other JSON arrays may stand
// in the same folder: what has no tag_name anywhere is none.
func readFile(path string) ([]Body, bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, unreadable(path, err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, false, unreadable(path, errors.Join(err, errors.New("it is not a regular file")))
	}
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err != nil {
		return nil, false, unreadable(path, err)
	}
	if len(data) > largestFile {
		return nil, false, unreadable(path, fmt.Errorf("it is larger than %d MiB", largestFile>>20))
	}
	if !json.Valid(data) {
		return nil, false, unreadable(path, fmt.Errorf("it is not JSON: %w", json.Unmarshal(data, new(any))))
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return nil, false, nil
	}
	var list []listed
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, false, unreadable(path, err)
	}
	tagged := slices.ContainsFunc(list, func(r listed) bool { return r.Tag != nil })
	if !tagged && len(list) > 0 {
		return nil, false, nil
	}
	var out []Body
	for i, r := range list {
		if r.Tag == nil || *r.Tag == "" {
			return nil, false, unreadable(path, fmt.Errorf("release %d has no tag_name", i+1))
		}
		if !r.Draft {
			out = append(out, r.body())
		}
	}
	return out, true, nil
}

func (r listed) body() Body {
	b := Body{Version: strings.TrimPrefix(*r.Tag, "v"), PublishedAt: r.PublishedAt}
	if r.Body != nil {
		b.Text, b.Cut = begin(*r.Body)
	}
	if r.URL != nil && (strings.HasPrefix(*r.URL, "https://") || strings.HasPrefix(*r.URL, "http://")) {
		b.URL = *r.URL
	}
	return b
}

// begin returns the first longestBody characters of a text, and whether there are more.
func begin(text string) (string, bool) {
	left := longestBody
	for at := range text {
		if left == 0 {
			return strings.Clone(text[:at]), true
		}
		left--
	}
	return text, false
}

// merge keeps one body a version, the longest (the smaller text when two are as long, so that the
// order of files decides nothing), newest version first.
func merge(all []Body) []Body {
	best := map[string]Body{}
	for _, b := range all {
		old, ok := best[b.Version]
		if !ok || len(b.Text) > len(old.Text) || len(b.Text) == len(old.Text) && b.Text < old.Text {
			best[b.Version] = b
		}
	}
	out := make([]Body, 0, len(best))
	for _, b := range best {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Body) int {
		if c := version.Compare(b.Version, a.Version); c != 0 {
			return c
		}
		return strings.Compare(a.Version, b.Version)
	})
	return out
}

// Lister is the reading half of GitHub that FromGitHub needs; *forge.Reader is one.
type Lister interface {
	Releases(ctx context.Context, owner, repo string) ([]forge.Release, error)
}

// FromGitHub reads the published notes of ZenML's releases, newest version first. Errors come
// from the lister; a list that could not be had whole is one of them.
func FromGitHub(ctx context.Context, l Lister) ([]Body, error) {
	list, err := l.Releases(ctx, "zenml-io", "zenml")
	if err != nil {
		return nil, err
	}
	all := make([]Body, 0, len(list))
	for _, r := range list {
		all = append(all, listed{Tag: &r.Tag, Body: &r.Body, PublishedAt: r.PublishedAt, URL: &r.URL}.body())
	}
	return merge(all), nil
}
