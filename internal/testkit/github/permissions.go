package github

import (
	"net/http"
	"slices"
	"strings"
)

// Token is what a token may do and whose it is.
type Token struct {
	Login string   // whom writes are by: "github-actions[bot]" for a job's own token
	App   bool     // an app's: it may make check runs and has no user
	Write []string // permissions to write: actions, checks, deployments, issues, pull_requests
}

// JobToken is the token of a workflow's job with these permissions to write; with none it is what
// jobs get for pull requests from forks and by Dependabot.
func JobToken(write ...string) Token {
	return Token{Login: "github-actions[bot]", App: true, Write: write}
}

// AddToken makes a token known. From then on unknown ones are refused.
func (s *Server) AddToken(value string, t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[value], s.closed = t, true
}

// RequireToken makes the server answer 401 to requests without this token, which may write all.
func (s *Server) RequireToken(token string) {
	s.AddToken(token, JobToken("actions", "checks", "deployments", "issues", "pull_requests"))
}

// Allow gives a person a role in a repository: admin, maintain, write, triage, read or none; or one
// that an organisation made itself, by what it lets its holder do: custom:push,maintain.
func (s *Server) Allow(repo, login, role string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(repo).permissions[login] = role
}

// writing are the permissions of which one lets an operation write.
var writing = map[string][]string{
	"issues/create": {"issues"}, "issues/update": {"issues", "pull_requests"},
	"issues/create-comment": {"issues", "pull_requests"}, "issues/update-comment": {"issues", "pull_requests"}, "issues/delete-comment": {"issues", "pull_requests"},
	"issues/create-label": {"issues"}, "issues/add-labels": {"issues", "pull_requests"}, "issues/remove-label": {"issues", "pull_requests"},
	"reactions/create-for-issue-comment": {"issues", "pull_requests"},
	"checks/create":                      {"checks"}, "checks/update": {"checks"},
	"actions/create-workflow-dispatch": {"actions"},
	"repos/create-deployment":          {"deployments"}, "repos/create-deployment-status": {"deployments"},
}

// admit lets a call through whose token and limits allow it, else says what GitHub would.
func (s *Server) admit(c *call) (answer, bool) {
	if a, ok := s.limits.take(c); !ok {
		return a, false
	}
	value, given := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	token, known := s.tokens[value]
	c.token = token
	write := c.Method != http.MethodGet
	switch {
	case s.closed && !known:
		return refuse(http.StatusUnauthorized, "Bad credentials"), false
	case write && !given:
		return refuse(http.StatusUnauthorized, "Requires authentication"), false
	case write && known && !token.may(c.operation):
		message := "Resource not accessible by personal access token"
		if token.App {
			message = "Resource not accessible by integration"
		}
		return refuse(http.StatusForbidden, message), false
	case !known:
		c.token.Login = "somebody"
	}
	return answer{}, true
}

func (t Token) may(operation string) bool {
	if strings.HasPrefix(operation, "checks/") && !t.App {
		return false // only apps make check runs
	}
	return slices.ContainsFunc(writing[operation], func(p string) bool { return slices.Contains(t.Write, p) })
}

var permissionOperations = map[string]handler{"repos/get-collaborator-permission-level": (*Server).getPermission}

func (s *Server) getPermission(c *call) answer {
	login := c.params["username"]
	role := c.repo.permissions[login]
	if role == "" {
		role = "none"
	}
	permission := map[string]string{"maintain": "write", "triage": "read"}[role]
	if permission == "" {
		permission = role
	}
	var person any // GitHub shows what a role of the organisation's own lets its holder do
	if strings.HasPrefix(role, "custom:") {
		allowed := map[string]any{"admin": false, "maintain": false, "push": false, "triage": false, "pull": true}
		for _, p := range strings.Split(strings.TrimPrefix(role, "custom:"), ",") {
			allowed[p] = true
		}
		u := user(login)
		u["permissions"], u["role_name"] = allowed, "release-captain"
		role, permission, person = "release-captain", "write", u
	}
	return give(http.StatusOK, map[string]any{"permission": permission, "role_name": role, "user": person})
}
