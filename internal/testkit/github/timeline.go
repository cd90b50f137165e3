package github

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var historyOperations = map[string]handler{
	"issues/list-events-for-timeline": (*Server).listTimeline, "repos/list-activities": (*Server).listActivities,
	"actions/create-workflow-dispatch": (*Server).dispatch, "actions/get-reviews-for-run": (*Server).listApprovals,
}

// happening is an event of an issue's history; comments are kept on their own.
type happening struct {
	id                int64
	kind, who, detail string // labeled, unlabeled: the label
	at                time.Time
}

func (s *Server) happens(i *issue, kind, who, detail string) {
	i.happenings = append(i.happenings, happening{id: int64(i.number)*1000 + int64(len(i.happenings)), kind: kind, who: who, detail: detail, at: s.tick()})
}

// Label puts a label on an issue as if a person did, or takes it off.
func (s *Server) Label(repo string, number int, who, label string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.repo(repo).issues[number]
	if i == nil {
		s.tb.Errorf("fake GitHub: no issue %d to label", number)
		return
	}
	s.repo(repo).label(label)
	i.labels = slices.DeleteFunc(i.labels, func(l string) bool { return l == label })
	kind := "unlabeled"
	if on {
		i.labels, kind = append(i.labels, label), "labeled"
	}
	s.happens(i, kind, who, label)
}

// listTimeline lists labels and comments in the order in which they came.
func (s *Server) listTimeline(c *call) answer {
	number := int(c.number("issue_number"))
	i := c.repo.issues[number]
	if i == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	type entry struct {
		at   time.Time
		id   int64
		json map[string]any
	}
	var all []entry
	for _, h := range i.happenings {
		u := fmt.Sprintf("%s/issues/events/%d", api(c.name), h.id)
		all = append(all, entry{h.at, h.id, map[string]any{
			"id": h.id, "node_id": fmt.Sprint("LE_", h.id), "url": u, "actor": user(h.who), "event": h.kind, "commit_id": nil, "commit_url": nil,
			"created_at": stamp(h.at), "performed_via_github_app": nil, "label": map[string]any{"name": h.detail, "color": plain},
		}})
	}
	for _, one := range sorted(c.repo.comments) {
		if one.IssueNumber == number {
			j := s.commentJSON(c.name, one)
			j["event"], j["actor"] = "commented", j["user"]
			all = append(all, entry{one.CreatedAt, one.ID, j})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	var list []any
	for _, e := range all {
		list = append(list, e.json)
	}
	return s.list(c, list)
}

// Push is a change of where a branch points, as GitHub records it.
type Push struct {
	Branch        string
	Before, After string
	Kind          string    // push when empty
	At            time.Time // now, when zero
}

// AddPush records a push. It moves no pull request: that is AddPullRequest's.
func (s *Server) AddPush(repo string, p Push) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.At.IsZero() {
		p.At = s.tick()
	}
	p.Kind = cmp.Or(p.Kind, "push")
	r := s.repo(repo)
	r.pushes = append(r.pushes, p)
}

// Now is the server's time: that of the newest thing on it.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// listActivities lists the newest first, a page of them.
func (s *Server) listActivities(c *call) answer {
	q := c.URL.Query()
	list := []any{}
	for n, p := range slices.Backward(c.repo.pushes) {
		ref := "refs/heads/" + p.Branch
		if want := q.Get("ref"); want != "" && want != ref && want != p.Branch || len(list) == number(q.Get("per_page"), pageSize) {
			continue
		}
		list = append(list, s.with("activity-items", map[string]any{
			"id": n + 1, "node_id": fmt.Sprint("PSH_", n+1), "before": p.Before, "after": p.After, "ref": ref,
			"timestamp": stamp(p.At), "activity_type": p.Kind, "actor": user("octocat"),
		}))
	}
	return give(http.StatusOK, list)
}

// Dispatch is a workflow that was started by hand or by a token.
type Dispatch struct {
	Workflow, Ref string
	Inputs        map[string]any
	By            string
}

// AddWorkflow makes a workflow known that can be started, by its file's name.
func (s *Server) AddWorkflow(repo, file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	r.workflows = append(r.workflows, file)
}

// Dispatches returns what was started so far.
func (s *Server) Dispatches(repo string) []Dispatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.repo(repo).dispatches)
}

func (s *Server) dispatch(c *call) answer {
	file, err := url.PathUnescape(c.params["workflow_id"])
	if err != nil || !slices.Contains(c.repo.workflows, file) {
		return refuse(http.StatusNotFound, "Not Found")
	}
	d := Dispatch{Workflow: file, By: c.token.Login}
	c.decode(&d) // ref and inputs
	if strings.ContainsAny(d.Ref, " ~^:") || len(d.Ref) == 40 {
		return refuse(http.StatusUnprocessableEntity, "No ref found for: "+d.Ref)
	}
	c.repo.dispatches = append(c.repo.dispatches, d)
	s.tick()
	return give(http.StatusNoContent, nil)
}

// Approval is a person's answer to a job that waits for its environments.
type Approval struct {
	Login, State string // approved, rejected
	Comment      string
	Environments []string
}

// AddApproval adds an answer to a workflow run.
func (s *Server) AddApproval(repo string, run int64, a Approval) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	if r.approvals == nil {
		r.approvals = map[int64][]Approval{}
	}
	r.approvals[run] = append(r.approvals[run], a)
}

func (s *Server) listApprovals(c *call) answer {
	list := []any{}
	for _, a := range c.repo.approvals[c.number("run_id")] {
		environments := []any{}
		for n, e := range a.Environments {
			environments = append(environments, map[string]any{
				"id": n + 1, "node_id": fmt.Sprint("EN_", n+1), "name": e, "url": api(c.name) + "/environments/" + e, "html_url": web(c.name) + "/deployments",
				"created_at": stamp(s.now), "updated_at": stamp(s.now),
			})
		}
		list = append(list, map[string]any{"state": a.State, "comment": a.Comment, "user": user(a.Login), "environments": environments})
	}
	return give(http.StatusOK, list)
}
