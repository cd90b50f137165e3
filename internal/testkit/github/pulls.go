package github

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

var pullOperations = map[string]handler{
	"pulls/get": (*Server).getPull, "pulls/list": (*Server).listPulls, "pulls/list-files": (*Server).listFiles,
}

// PullRequest is a pull request. Its comments and labels are those of the issue of its number.
type PullRequest struct {
	Number           int
	Title, Author    string
	HeadRepo         string // owner/name; another repository than the base's is a fork, empty one that was deleted
	HeadRef, HeadSHA string
	BaseRef, BaseSHA string
	Closed           bool
	Files            []File
}

// File is a file that a pull request changes.
type File struct {
	Path   string
	Status string // added, modified, removed
	Patch  string
}

// AddPullRequest adds a pull request or replaces it: a push changes its head.
func (s *Server) AddPullRequest(repo string, p PullRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	r.pulls[p.Number] = &p
	i := r.issues[p.Number]
	if i == nil {
		i = &issue{number: p.Number, pull: true, createdAt: s.tick()}
	}
	i.title, i.author, i.state, i.updatedAt = p.Title, p.Author, "open", s.now
	r.add(i)
}

func (s *Server) pullJSON(example, name string, p *PullRequest) map[string]any {
	out := s.spec.example(s.tb, example)
	side := func(which, repo, ref, sha string) map[string]any {
		m, _ := out[which].(map[string]any) // the example has both
		m = maps.Clone(m)
		owner, short, _ := strings.Cut(repo, "/")
		m["ref"], m["sha"], m["label"], m["user"] = ref, sha, owner+":"+ref, user(owner)
		if r, ok := m["repo"].(map[string]any); ok && repo != "" {
			r["full_name"], r["name"], r["owner"], r["fork"] = repo, short, user(owner), repo != name
		} else {
			m["repo"] = nil
		}
		return m
	}
	labels := []any{}
	for _, l := range s.repo(name).issues[p.Number].labels {
		labels = append(labels, s.labelJSON(name, l, s.repo(name).labels[l]))
	}
	state := "open"
	if p.Closed {
		state = "closed"
	}
	maps.Copy(out, map[string]any{
		"id": p.Number, "number": p.Number, "title": p.Title, "state": state, "user": user(p.Author), "labels": labels,
		"head": side("head", p.HeadRepo, p.HeadRef, p.HeadSHA), "base": side("base", name, p.BaseRef, p.BaseSHA),
		"html_url": fmt.Sprintf("%s/pull/%d", web(name), p.Number), "url": fmt.Sprintf("%s/pulls/%d", api(name), p.Number),
		"assignee": nil, "assignees": []any{}, "milestone": nil, "requested_teams": []any{}, "requested_reviewers": []any{},
	})
	return out
}

func (s *Server) getPull(c *call) answer {
	p := c.repo.pulls[int(c.number("pull_number"))]
	if p == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, s.pullJSON("pull-request", c.name, p))
}

// listPulls lists the newest first.
func (s *Server) listPulls(c *call) answer {
	q := c.URL.Query()
	var all []any
	for _, p := range slices.Backward(sorted(c.repo.pulls)) {
		owner, _, _ := strings.Cut(p.HeadRepo, "/")
		state := q.Get("state")
		switch {
		case q.Get("head") != "" && q.Get("head") != owner+":"+p.HeadRef:
		case state != "all" && p.Closed != (state == "closed"):
		default:
			all = append(all, s.pullJSON("pull-request-simple-items", c.name, p))
		}
	}
	return s.list(c, all)
}

func (s *Server) listFiles(c *call) answer {
	p := c.repo.pulls[int(c.number("pull_number"))]
	if p == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var all []any
	for _, f := range p.Files {
		file := s.with("diff-entry-items", map[string]any{"filename": f.Path, "status": f.Status, "patch": f.Patch})
		all = append(all, file)
	}
	return s.list(c, all)
}
