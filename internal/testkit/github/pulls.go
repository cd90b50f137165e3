package github

import (
	"crypto/sha1" //nolint:gosec // git's name of a content
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// PullRequest is a pull request that can be read. Base and Head are commits.
type PullRequest struct {
	Number           int
	Author           string
	Title            string
	Base, Head       string
	BaseRef, HeadRef string
}

// AddPull adds a pull request to a repository ("owner/name").
func (s *Server) AddPull(repo string, p PullRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.named(repo)
	if r.pulls == nil {
		r.pulls = map[int]PullRequest{}
	}
	r.pulls[p.Number] = p
}

// AddCommit adds a commit with all its files to a repository.
func (s *Server) AddCommit(repo, id string, files map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.named(repo)
	if r.commits == nil {
		r.commits = map[string]map[string]string{}
	}
	r.commits[id] = files
}

// AddFork says where two commits of a repository part.
func (s *Server) AddFork(repo, base, head, fork string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.named(repo)
	if r.forks == nil {
		r.forks = map[string]string{}
	}
	r.forks[base+"..."+head] = fork
}

func (s *Server) named(repo string) *repository {
	if s.repos[repo] == nil {
		s.repos[repo] = &repository{}
	}
	return s.repos[repo]
}

// answerPulls answers what is asked of pull requests and of commits; ok is false for other questions.
func (s *Server) answerPulls(r *http.Request, parts []string) (a answer, ok bool) {
	if r.Method != http.MethodGet || len(parts) < 5 || parts[0] != "repos" {
		return answer{}, false
	}
	name, what, id := parts[1]+"/"+parts[2], strings.Join(parts[3:len(parts)-1], "/"), parts[len(parts)-1]
	if what != "pulls" && what != "git/trees" && what != "git/blobs" && what != "compare" {
		return answer{}, false
	}
	repo := s.repos[name]
	if repo == nil {
		repo = &repository{}
	}
	if repo.movedTo != "" {
		to := s.URL + "/repos/" + repo.movedTo + "/" + what + "/" + id + "?" + r.URL.RawQuery
		return answer{http.StatusMovedPermanently, http.Header{"Location": {to}}, map[string]any{"message": "Moved Permanently", "url": to}}, true
	}
	var body any
	switch what {
	case "pulls":
		number, _ := strconv.Atoi(id) // 0 is none
		if p, found := repo.pulls[number]; found {
			body = p.json(name)
		}
	case "git/trees":
		if files, found := repo.commits[id]; found {
			body = treeJSON(name, id, files)
		}
	case "compare":
		if fork, found := repo.forks[id]; found {
			body = comparison(name, id, fork)
		}
	case "git/blobs":
		body = repo.blob(name, id)
	}
	if body == nil {
		return answer{http.StatusNotFound, http.Header{}, map[string]any{"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}}, true
	}
	return answer{http.StatusOK, http.Header{}, body}, true
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
