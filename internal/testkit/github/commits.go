package github

import (
	"crypto/sha1" //nolint:gosec // git's name of a content
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

var commitOperations = map[string]handler{
	"git/get-tree": (*Server).getTree, "git/get-blob": (*Server).getBlob, "repos/compare-commits-with-basehead": (*Server).compare, "repos/compare-commits": (*Server).compare,
}

// AddCommit adds a commit with all its files to a repository.
func (s *Server) AddCommit(repo, id string, files map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	if r.commits == nil {
		r.commits = map[string]map[string]string{}
	}
	r.commits[id] = files
}

// AddFork says where two commits of a repository part.
func (s *Server) AddFork(repo, base, head, fork string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	if r.forks == nil {
		r.forks = map[string]string{}
	}
	r.forks[base+"..."+head] = fork
}

func (s *Server) getTree(c *call) answer {
	id := c.params["tree_sha"]
	files, found := c.repo.commits[id]
	if !found {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, treeJSON(c.name, id, files))
}

func (s *Server) getBlob(c *call) answer {
	body := c.repo.blob(c.name, c.params["file_sha"])
	if body == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, body)
}

func (s *Server) compare(c *call) answer {
	span := c.URL.Path[strings.LastIndexByte(c.URL.Path, '/')+1:] // described twice, with other names of its parts
	fork, found := c.repo.forks[span]
	if !found {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, comparison(c.name, span, fork))
}

func blobID(text string) string {
	return fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text))) //nolint:gosec // see the import
}

func treeJSON(repo, id string, files map[string]string) map[string]any {
	api := "https://api.github.com/repos/" + repo + "/git/"
	entries := []any{}
	folders := map[string]bool{}
	for _, p := range slices.Sorted(maps.Keys(files)) {
		for dir := path.Dir(p); dir != "." && !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
			entries = append(entries, map[string]any{"path": dir, "mode": "040000", "type": "tree", "sha": blobID(dir), "url": api + "trees/" + blobID(dir)})
		}
		b := blobID(files[p])
		entries = append(entries, map[string]any{"path": p, "mode": "100644", "type": "blob", "sha": b, "size": len(files[p]), "url": api + "blobs/" + b})
	}
	return map[string]any{"sha": id, "url": api + "trees/" + id, "truncated": false, "tree": entries}
}

// blob finds a content in any commit; nil when there is none.
func (r *repository) blob(repo, id string) any {
	for _, files := range r.commits {
		for _, text := range files {
			if blobID(text) == id {
				return map[string]any{
					"sha": id, "node_id": "B_" + id, "size": len(text), "encoding": "base64", "content": wrapped(base64.StdEncoding.EncodeToString([]byte(text))),
					"url": "https://api.github.com/repos/" + repo + "/git/blobs/" + id,
				}
			}
		}
	}
	return nil
}

func comparison(repo, span, fork string) map[string]any {
	web := "https://github.com/" + repo + "/compare/" + span
	base, _, _ := strings.Cut(span, "...")
	commit := func(id string) map[string]any {
		api := "https://api.github.com/repos/" + repo + "/commits/" + id
		return map[string]any{
			"url": api, "sha": id, "node_id": "C_" + id, "html_url": api, "comments_url": api + "/comments", "author": nil, "committer": nil, "parents": []any{},
			"commit": map[string]any{"url": api, "author": nil, "committer": nil, "message": "a change", "comment_count": 0, "tree": map[string]any{"sha": id, "url": api}},
		}
	}
	return map[string]any{
		"url": "https://api.github.com/repos/" + repo + "/compare/" + span, "html_url": web, "permalink_url": web, "diff_url": web + ".diff", "patch_url": web + ".patch",
		"base_commit": commit(base), "merge_base_commit": commit(fork), "status": "diverged", "ahead_by": 1, "behind_by": 1, "total_commits": 1, "commits": []any{}, "files": []any{},
	}
}

// wrapped breaks base64 into lines of 60, as GitHub does.
func wrapped(text string) string {
	var b strings.Builder
	for ; len(text) > 60; text = text[60:] {
		b.WriteString(text[:60] + "\n")
	}
	return b.String() + text + "\n"
}
