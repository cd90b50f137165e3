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

// Pull is what of a pull request says which commits it lies between. Title and branch names come
// from outside.
type Pull struct {
	Number     int
	Repository string // owner/name of the base
	Author     string // login of who opened it, such as dependabot[bot]
	Title      string
	Base, Head string // commits
	HeadBranch string
}

// Pull reads a pull request.
func (r *Reader) Pull(ctx context.Context, repository string, number int) (*Pull, error) {
	owner, name, err := split(repository)
	if err != nil {
		return nil, err
	}
	pr, _, err := r.api.PullRequests.Get(ctx, owner, name, number)
	if err != nil {
		return nil, r.explain(fmt.Sprintf("reading pull request %d of %q", number, repository), err)
	}
	p := &Pull{
		Number: number, Repository: repository, Author: pr.GetUser().GetLogin(), Title: pr.GetTitle(),
		Base: pr.GetBase().GetSHA(), Head: pr.GetHead().GetSHA(), HeadBranch: pr.GetHead().GetRef(),
	}
	if !repo.IsCommitID(p.Base) || !repo.IsCommitID(p.Head) {
		return nil, r.explain(fmt.Sprintf("reading pull request %d of %q", number, repository), errors.New("the answer names no commits"))
	}
	return p, nil
}

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

func split(repository string) (owner, name string, err error) {
	owner, name, ok := strings.Cut(repository, "/")
	if !ok || owner == "" || name == "" || strings.ContainsAny(repository, "?#%\\ ") || strings.Contains(name, "/") || name == ".." {
		return "", "", fault.BadInput(fmt.Sprintf("%q is no repository on GitHub", repository), "set GITHUB_REPOSITORY to owner/name")
	}
	return owner, name, nil
}
