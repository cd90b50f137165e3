package repo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Remote is the reading half of GitHub that a commit needs when no checkout holds it.
type Remote interface {
	// Tree lists all files of a commit; a list that GitHub cut short is an error.
	Tree(ctx context.Context, repository, commit string) ([]Entry, error)
	Blob(ctx context.Context, repository, id string, most int64) ([]byte, error)
}

// mostAsked bounds how many files of one commit are asked of GitHub: a run has a thousand requests
// an hour, and others need some too.
const mostAsked = 200

// largestKept bounds what is kept of GitHub's answers, mostAsked times.
const largestKept = 128 << 10

// RemoteCommit lists the files of a commit of a repository ("owner/name") on GitHub and asks for
// them one by one. below is the folder that is looked at, "" for all of it. What near has, a commit of
// the same repository that is at hand, is not asked for; it may be nil.
func RemoteCommit(ctx context.Context, r Remote, repository, commit, below string, near *Tree) (*Tree, error) {
	if !IsCommitID(commit) {
		return nil, fmt.Errorf("%q is not the name of a commit", commit)
	}
	entries, err := r.Tree(ctx, repository, commit)
	if err != nil {
		return nil, err
	}
	var asked atomic.Int64
	var kept sync.Map // id to content: both ends of a change are read more than once
	blob := func(id string) ([]byte, error) {
		if near != nil {
			if l, ok := near.src.(*listed); ok && l.has(id) {
				return l.blob(id)
			}
		}
		if data, ok := kept.Load(id); ok {
			return data.([]byte), nil
		}
		if asked.Add(1) > mostAsked {
			return nil, fmt.Errorf("more than %d files would be asked of GitHub: check out the commit (fetch-depth: 0)", mostAsked)
		}
		data, err := r.Blob(ctx, repository, id, largestFile)
		if err == nil && len(data) <= largestKept {
			kept.Store(id, data)
		}
		return data, err
	}
	return newListed(entries, below, blob, func() error { return nil }), nil
}
