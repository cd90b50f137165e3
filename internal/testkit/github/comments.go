package github

import (
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"
)

var commentOperations = map[string]handler{
	"issues/list-comments": (*Server).listComments, "issues/create-comment": (*Server).createComment, "issues/get-comment": (*Server).getComment,
	"issues/update-comment": (*Server).updateComment, "issues/delete-comment": (*Server).deleteComment,
	"reactions/create-for-issue-comment": (*Server).createReaction, "reactions/list-for-issue-comment": (*Server).listReactions,
}

// longestComment is the most characters a comment or an issue's text may have.
const longestComment = 65536

// Comment is a comment on an issue or pull request.
type Comment struct {
	ID          int64
	Author      string
	Body        string
	URL         string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Reactions   []Reaction
	IssueNumber int
}

// Reaction is a person's reaction to a comment.
type Reaction struct {
	ID      int64
	Login   string
	Content string // +1, eyes, rocket ...
}

type comment struct {
	Comment
	hidden int       // lists that do not show it yet
	edited time.Time // the last edit; zero for none
}

// Lag makes the next n lists of comments leave out a comment that was created after this call: what is
// read may be older than what was written.
func (s *Server) Lag(repo string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(repo).lag = n
}

// AddComment adds a comment as if author wrote it, and returns its id.
func (s *Server) AddComment(repo string, issue int, author, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addComment(repo, issue, author, body).ID
}

// EditComment changes a comment as if somebody did in the browser, which ends lines with \r\n.
func (s *Server) EditComment(repo string, id int64, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.repo(repo).comments[id]
	if c == nil {
		s.tb.Errorf("fake GitHub: no comment %d to edit", id)
		return
	}
	c.Body, c.UpdatedAt = body, s.tick()
	c.edited = c.UpdatedAt
}

// EditAtOnce changes a comment within the second of its making, which no time in REST's answers shows.
func (s *Server) EditAtOnce(repo string, id int64, body string) {
	s.EditComment(repo, id, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.repo(repo).comments[id]; c != nil {
		c.UpdatedAt, c.edited = c.CreatedAt, c.CreatedAt
	}
}

// ForgetEdits takes the record of a comment's edits away, as its author may.
func (s *Server) ForgetEdits(repo string, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.repo(repo).comments[id]; c != nil {
		c.edited = time.Time{}
	}
}

// Comments returns the comments of an issue in the order of their creation.
func (s *Server) Comments(repo string, issue int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Comment
	for _, c := range sorted(s.repo(repo).comments) {
		if c.IssueNumber == issue {
			out = append(out, c.Comment)
		}
	}
	return out
}

func (s *Server) addComment(name string, number int, author, body string) *comment {
	r, at := s.repo(name), s.tick()
	c := &comment{Comment: Comment{ID: s.id(), Author: author, Body: body, CreatedAt: at, UpdatedAt: at, IssueNumber: number}}
	c.URL = fmt.Sprintf("%s/pull/%d#issuecomment-%d", web(name), number, c.ID)
	r.comments[c.ID] = c
	return c
}

func (s *Server) commentJSON(name string, c *comment) map[string]any {
	return s.with("issue-comment", map[string]any{
		"id": c.ID, "node_id": fmt.Sprint("IC_", c.ID), "body": c.Body, "user": user(c.Author), "html_url": c.URL,
		"url": fmt.Sprintf("%s/issues/comments/%d", api(name), c.ID), "issue_url": fmt.Sprintf("%s/issues/%d", api(name), c.IssueNumber),
		"created_at": stamp(c.CreatedAt), "updated_at": stamp(c.UpdatedAt), "author_association": "NONE", "performed_via_github_app": nil,
	})
}

func (s *Server) listComments(c *call) answer {
	number := int(c.number("issue_number"))
	if !c.repo.holds(number) {
		return refuse(http.StatusNotFound, "Not Found")
	}
	since, _ := time.Parse(time.RFC3339, c.URL.Query().Get("since")) // none: the zero time
	var all []any
	for _, one := range sorted(c.repo.comments) {
		switch {
		case one.IssueNumber != number || one.UpdatedAt.Before(since):
		case one.hidden > 0:
			one.hidden--
		default:
			all = append(all, one)
		}
	}
	page, links := s.page(c, all) // of thousands only a page is written out
	for i, one := range page {
		if one, ok := one.(*comment); ok {
			page[i] = s.commentJSON(c.name, one)
		}
	}
	return answer{http.StatusOK, links, page}
}

func (s *Server) createComment(c *call) answer {
	number := int(c.number("issue_number"))
	if !c.repo.holds(number) {
		return refuse(http.StatusNotFound, "Not Found")
	}
	body, bad := commentBody(c)
	if bad != nil {
		return *bad
	}
	one := s.addComment(c.name, number, c.token.Login, body)
	one.hidden = c.repo.lag
	return give(http.StatusCreated, s.commentJSON(c.name, one))
}

// commentBody is the text of a request, or what GitHub says against it.
func commentBody(c *call) (string, *answer) {
	var in struct {
		Body string `json:"body"`
	}
	c.decode(&in)
	if n := utf8.RuneCountInString(in.Body); n == 0 || n > longestComment {
		a := refuse(http.StatusUnprocessableEntity, "Validation Failed")
		return "", &a
	}
	return in.Body, nil
}

func (s *Server) getComment(c *call) answer {
	one := c.repo.comments[c.number("comment_id")]
	if one == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, s.commentJSON(c.name, one))
}

func (s *Server) updateComment(c *call) answer {
	one := c.repo.comments[c.number("comment_id")]
	if one == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	body, bad := commentBody(c)
	if bad != nil {
		return *bad
	}
	one.Body, one.UpdatedAt = body, s.tick()
	one.edited = one.UpdatedAt
	return give(http.StatusOK, s.commentJSON(c.name, one))
}

func (s *Server) deleteComment(c *call) answer {
	id := c.number("comment_id")
	if c.repo.comments[id] == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	delete(c.repo.comments, id)
	s.tick()
	return give(http.StatusNoContent, nil)
}

func (s *Server) createReaction(c *call) answer {
	one := c.repo.comments[c.number("comment_id")]
	if one == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var in struct {
		Content string `json:"content"`
	}
	c.decode(&in)
	for _, r := range one.Reactions {
		if r.Login == c.token.Login && r.Content == in.Content {
			return give(http.StatusOK, s.reactionJSON(r)) // a second one of a kind is the first
		}
	}
	s.tick()
	r := Reaction{ID: s.id(), Login: c.token.Login, Content: in.Content}
	one.Reactions = append(one.Reactions, r)
	return give(http.StatusCreated, s.reactionJSON(r))
}

func (s *Server) listReactions(c *call) answer {
	one := c.repo.comments[c.number("comment_id")]
	if one == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var all []any
	for _, r := range one.Reactions {
		all = append(all, s.reactionJSON(r))
	}
	return s.list(c, all)
}

func (s *Server) reactionJSON(r Reaction) map[string]any {
	return s.with("reaction", map[string]any{"id": r.ID, "node_id": fmt.Sprint("RE_", r.ID), "user": user(r.Login), "content": r.Content})
}

// RemoveComment removes a comment as if a person did.
func (s *Server) RemoveComment(repo string, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.repo(repo).comments, id)
}
