package github

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

var issueOperations = map[string]handler{
	"issues/create": (*Server).createIssue, "issues/get": (*Server).getIssue, "issues/update": (*Server).updateIssue, "issues/list-for-repo": (*Server).listIssues,
}

// issue is an issue, or the issue half of a pull request.
type issue struct {
	number               int
	title, body, author  string
	state                string // open, closed
	labels               []string
	pull                 bool
	createdAt, updatedAt time.Time
	happenings           []happening
}

// Issue is an issue as tests see it.
type Issue struct {
	Number                     int
	Title, Body, Author, State string
	Labels                     []string
}

// AddIssue adds an issue as if its author wrote it.
func (s *Server) AddIssue(repo string, i Issue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(repo).add(&issue{number: i.Number, title: i.Title, body: i.Body, author: i.Author, state: "open", labels: i.Labels, createdAt: s.tick(), updatedAt: s.now})
}

// Issue returns an issue, or the issue half of a pull request, as it stands.
func (s *Server) Issue(repo string, number int) Issue {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.repo(repo).issues[number]
	if i == nil {
		s.tb.Errorf("fake GitHub: no issue %d", number)
		return Issue{}
	}
	return Issue{Number: i.number, Title: i.title, Body: i.body, Author: i.author, State: i.state, Labels: slices.Clone(i.labels)}
}

func (r *repository) add(i *issue) {
	r.issues[i.number] = i
	for _, l := range i.labels {
		r.label(l)
	}
}

func (r *repository) holds(number int) bool { return r.issues[number] != nil }

func (s *Server) issueJSON(name string, i *issue) map[string]any {
	labels := []any{}
	for _, l := range i.labels {
		labels = append(labels, s.labelJSON(name, l, s.repo(name).labels[l]))
	}
	kind := "issues"
	if i.pull {
		kind = "pull"
	}
	out := s.with("issue", map[string]any{
		"id": i.number, "node_id": fmt.Sprint("I_", i.number), "number": i.number, "title": i.title, "body": i.body, "state": i.state, "user": user(i.author),
		"labels": labels, "html_url": fmt.Sprintf("%s/%s/%d", web(name), kind, i.number), "url": fmt.Sprintf("%s/issues/%d", api(name), i.number),
		"created_at": stamp(i.createdAt), "updated_at": stamp(i.updatedAt), "assignee": nil, "assignees": []any{}, "milestone": nil, "locked": false,
	})
	if i.pull {
		url := fmt.Sprintf("%s/pulls/%d", api(name), i.number)
		out["pull_request"] = map[string]any{"url": url, "html_url": out["html_url"], "diff_url": url, "patch_url": url}
	} else {
		delete(out, "pull_request")
	}
	return out
}

func (s *Server) createIssue(c *call) answer {
	var in struct {
		Title  any      `json:"title"` // text or a number
		Body   string   `json:"body"`
		Labels []string `json:"labels"`
	}
	c.decode(&in)
	number := 1
	for n := range c.repo.issues {
		number = max(number, n+1)
	}
	i := &issue{number: number, title: fmt.Sprint(in.Title), body: in.Body, author: c.token.Login, state: "open", labels: in.Labels, createdAt: s.tick(), updatedAt: s.now}
	c.repo.add(i)
	return give(http.StatusCreated, s.issueJSON(c.name, i))
}

func (s *Server) getIssue(c *call) answer {
	i := c.repo.issues[int(c.number("issue_number"))]
	if i == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, s.issueJSON(c.name, i))
}

func (s *Server) updateIssue(c *call) answer {
	i := c.repo.issues[int(c.number("issue_number"))]
	if i == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var in struct {
		Title, Body, State *string
		Labels             *[]string
	}
	c.decode(&in)
	for to, from := range map[*string]*string{&i.title: in.Title, &i.body: in.Body, &i.state: in.State} {
		if from != nil {
			*to = *from
		}
	}
	if in.Labels != nil {
		i.labels = *in.Labels
		c.repo.add(i)
	}
	i.updatedAt = s.tick()
	return give(http.StatusOK, s.issueJSON(c.name, i))
}

// listIssues lists the newest first, pull requests among them, as GitHub does.
func (s *Server) listIssues(c *call) answer {
	q := c.URL.Query()
	var all []any
	for _, i := range slices.Backward(sorted(c.repo.issues)) {
		state := q.Get("state")
		labelled := !slices.ContainsFunc(strings.FieldsFunc(q.Get("labels"), func(r rune) bool { return r == ',' }), func(l string) bool { return !slices.Contains(i.labels, l) })
		if labelled && (state == "all" || i.state == state || state == "" && i.state == "open") {
			all = append(all, s.issueJSON(c.name, i))
		}
	}
	return s.list(c, all)
}
