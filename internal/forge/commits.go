package forge

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git's name of a content, not a protection
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v62/github"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Fork returns the newest commit that two commits share.
func (r *Reader) Fork(ctx context.Context, repository, a, b string) (string, error) {
	owner, name, err := split(repository)
	if err != nil {
		return "", err
	}
	doing := fmt.Sprintf("asking where two commits of %q part", repository)
	diff, _, err := r.api.Repositories.CompareCommits(ctx, owner, name, a, b, &github.ListOptions{PerPage: 1})
	if err != nil {
		return "", r.explain(doing, err)
	}
	id := diff.GetMergeBaseCommit().GetSHA()
	if !repo.IsCommitID(id) {
		return "", r.explain(doing, errors.New("the answer names no commit"))
	}
	return id, nil
}

// Tree lists all files of a commit, links and submodules included (repo.Remote).
func (r *Reader) Tree(ctx context.Context, repository, commit string) ([]repo.Entry, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("listing the files of %q at %s", repository, commit)
	tree, _, err := r.api.Git.GetTree(ctx, owner, name, commit, true)
	if err != nil {
		return nil, r.explain(doing, err)
	}
	if tree.GetTruncated() {
		return nil, fault.Unreachable(fmt.Sprintf("GitHub (%s) cut its answer short when %s", r.host, doing), nil, "check out the commit (fetch-depth: 0)")
	}
	var out []repo.Entry
	for _, e := range tree.Entries {
		if e.GetType() != "tree" {
			if !repo.IsCommitID(e.GetSHA()) {
				return nil, r.explain(doing, fmt.Errorf("the answer has an entry named %q", e.GetSHA()))
			}
			out = append(out, repo.Entry{Path: e.GetPath(), Mode: e.GetMode(), ID: e.GetSHA()})
		}
	}
	return out, nil
}

// Blob reads the content that git names id, of at most so many bytes, and proves that it is that
// (repo.Remote). A name of SHA-256 is not proved: GitHub has none.
func (r *Reader) Blob(ctx context.Context, repository, id string, most int64) ([]byte, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("reading a file of %q", repository)
	blob, _, err := r.api.Git.GetBlob(ctx, owner, name, id)
	if err != nil {
		return nil, r.explain(doing, err)
	}
	data := []byte(blob.GetContent())
	if blob.GetEncoding() == "base64" {
		if data, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(blob.GetContent(), "\n", "")); err != nil {
			return nil, r.explain(doing, err)
		}
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("it is larger than %d bytes", most)
	}
	sum := sha1.New() //nolint:gosec // see the import
	fmt.Fprintf(sum, "blob %d\x00", len(data))
	_, _ = bytes.NewReader(data).WriteTo(sum) // a hash takes all
	if len(id) == 40 && hex.EncodeToString(sum.Sum(nil)) != id {
		return nil, r.explain(doing, errors.New("the answer is not the file's content"))
	}
	return data, nil
}

// ParseRepository reads owner/name.
func ParseRepository(text string) (Repository, error) {
	owner, name, err := split(text)
	return Repository{owner, name}, err
}

func split(repository string) (owner, name string, err error) {
	owner, name, ok := strings.Cut(repository, "/")
	if !ok || owner == "" || name == "" || strings.ContainsAny(repository, "?#%\\ ") || strings.Contains(name, "/") || name == ".." {
		return "", "", fault.BadInput(fmt.Sprintf("%q is no repository on GitHub", repository), "set GITHUB_REPOSITORY to owner/name")
	}
	return owner, name, nil
}
