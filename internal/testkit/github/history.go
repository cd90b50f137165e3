package github

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// revision is a text that an issue once had.
type revision struct {
	editor string // empty: somebody whose account is gone
	at     time.Time
	body   string
	gone   bool // its text was deleted from the history
}

// revise gives the issue a new text at its updatedAt. As on GitHub the first edit puts the text as it
// was made into the history too, and an edit that changes nothing leaves no trace.
func (i *issue) revise(editor, body string) {
	if body == i.body {
		return
	}
	if len(i.revisions) == 0 {
		i.revisions = []revision{{editor: i.author, at: i.createdAt, body: i.body}}
	}
	i.body = body
	i.revisions = append(i.revisions, revision{editor: editor, at: i.updatedAt, body: body})
}

// EditIssue changes an issue's text as if a person did in the browser.
func (s *Server) EditIssue(repo string, number int, editor string, edit func(body string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.repo(repo).issues[number]
	if i == nil {
		s.tb.Errorf("fake GitHub: no issue %d to edit", number)
		return
	}
	i.updatedAt = s.tick()
	i.revise(editor, edit(i.body))
}

// Revisions returns how many texts an issue's history holds.
func (s *Server) Revisions(repo string, number int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.repo(repo).issues[number].revisions)
}

// ForgetRevisions deletes the texts of an issue's history that are by editor, as those who may write can.
func (s *Server) ForgetRevisions(repo string, number int, editor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.repo(repo).issues[number].revisions
	for n := range list {
		list[n].gone = list[n].gone || list[n].editor == editor
	}
}

// SetIssueState opens or closes an issue, or gives it another title, as a person would.
func (s *Server) SetIssueState(repo string, number int, state, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.repo(repo).issues[number]
	i.state, i.title, i.updatedAt = state, title, s.tick()
}

// question is what comes to the GraphQL API.
type question struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
}

// graphQLHistory is the name that Fail, Before and the wire know the question for the texts of issues by.
const graphQLHistory = "graphql:issue-history"

// GraphQLHistory is that name for tests.
const GraphQLHistory = graphQLHistory

// historyPage is how many revisions the fake puts on a page at most; GitHub's largest is 100.
const historyPage = 100

var askedIssue = regexp.MustCompile(`i(\d+):issue\(number:(\d+)\)\{userContentEdits\(first:(\d+)(?:,after:"(\d+)")?\)`)

func (q question) asksHistory() bool { return strings.Contains(q.Query, "userContentEdits") }

// history answers with the newest revisions first. The question is built anew from what it asks for and
// compared word for word: what GitHub would not understand is not understood here.
func (s *Server) history(q question, token Token) []byte {
	owner, _ := q.Variables["owner"].(string)
	name, _ := q.Variables["name"].(string)
	repo := s.repos[owner+"/"+name]
	want := "query($owner:String!,$name:String!){viewer{login} repository(owner:$owner,name:$name){"
	issues, problems := map[string]any{}, []any{}
	for _, m := range askedIssue.FindAllStringSubmatch(q.Query, -1) {
		want += m[0] + "{pageInfo{hasNextPage endCursor} nodes{editedAt diff editor{__typename login}}} number title body state updatedAt lastEditedAt author{__typename login}} "
		number, _ := strconv.Atoi(m[2])
		if repo == nil || repo.issues[number] == nil || repo.issues[number].pull {
			issues["i"+m[1]] = nil
			problems = append(problems, map[string]any{"type": "NOT_FOUND", "message": fmt.Sprintf("Could not resolve to an Issue with the number of %d.", number)})
			continue
		}
		size, _ := strconv.Atoi(m[3])
		after, _ := strconv.Atoi(m[4])
		issues["i"+m[1]] = repo.issues[number].historyJSON(min(size, historyPage), after)
	}
	if q.Query != strings.TrimSuffix(want, " ")+"}}" || repo == nil || len(issues) == 0 {
		s.tb.Errorf("fake GitHub: GraphQL is not built for %q", q.Query)
	}
	answer := map[string]any{"data": map[string]any{"viewer": map[string]any{"login": token.Login}, "repository": issues}}
	if len(problems) > 0 {
		answer["errors"] = problems
	}
	text, err := json.Marshal(answer)
	if err != nil {
		s.tb.Errorf("fake GitHub: encoding an answer: %v", err)
	}
	return text
}

// historyJSON is a page of an issue's history and the issue as it stands.
func (i *issue) historyJSON(size, after int) map[string]any {
	nodes := []any{}
	newest := slices.Clone(i.revisions)
	slices.Reverse(newest)
	end := min(after+size, len(newest))
	for _, r := range newest[min(after, end):end] {
		node := map[string]any{"editedAt": stamp(r.at), "diff": r.body, "editor": actor(r.editor)}
		if r.gone {
			node["diff"] = nil
		}
		nodes = append(nodes, node)
	}
	var edited any
	if n := len(i.revisions); n > 0 {
		edited = stamp(i.revisions[n-1].at)
	}
	return map[string]any{
		"number": i.number, "title": i.title, "body": i.body, "state": strings.ToUpper(i.state), "updatedAt": stamp(i.updatedAt), "lastEditedAt": edited,
		"author":           actor(i.author),
		"userContentEdits": map[string]any{"pageInfo": map[string]any{"hasNextPage": end < len(newest), "endCursor": strconv.Itoa(end)}, "nodes": nodes},
	}
}

// actor is who did something, as GraphQL tells it: the login of a bot lacks the ending that it has
// everywhere else.
func actor(login string) any {
	if login == "" {
		return nil
	}
	if short, bot := strings.CutSuffix(login, "[bot]"); bot {
		return map[string]any{"__typename": "Bot", "login": short}
	}
	return map[string]any{"__typename": "User", "login": login}
}
