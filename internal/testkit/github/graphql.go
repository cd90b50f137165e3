package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The questions of GraphQL that are answered. GitHub's description covers REST only; these are
// checked word for word.
const (
	graphQLViewer = "query{viewer{login}}"
	graphQLEdits  = "query($id:ID!){node(id:$id){...on IssueComment{lastEditedAt}}}"
)

var questions = map[string]func(s *Server, token Token, variables map[string]any) any{
	graphQLViewer: func(_ *Server, token Token, _ map[string]any) any {
		return map[string]any{"viewer": map[string]any{"login": token.Login}}
	},
	graphQLEdits: (*Server).lastEdit,
}

// lastEdit answers when a comment was edited last, null for never or for no comment.
func (s *Server) lastEdit(_ Token, variables map[string]any) any {
	for _, r := range s.repos {
		for _, c := range r.comments {
			switch {
			case fmt.Sprint("IC_", c.ID) != variables["id"]:
			case c.edited.IsZero():
				return map[string]any{"node": map[string]any{"lastEditedAt": nil}}
			default:
				return map[string]any{"node": map[string]any{"lastEditedAt": stamp(c.edited)}}
			}
		}
	}
	return map[string]any{"node": nil}
}

func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request, body []byte) {
	var question struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	err := json.Unmarshal(body, &question)
	value := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	token, known := s.tokens[value]
	var text []byte
	status := http.StatusOK
	switch do := questions[question.Query]; {
	case err != nil || do == nil || r.Method != http.MethodPost:
		s.tb.Errorf("fake GitHub: %s %s is not built for %q", r.Method, r.URL.Path, body)
		status, text = http.StatusBadRequest, []byte(`{"message":"not built"}`)
	case !known:
		status, text = http.StatusUnauthorized, []byte(`{"message":"Bad credentials"}`)
	default:
		text, _ = json.Marshal(map[string]any{"data": do(s, token, question.Variables)}) // texts and times encode
	}
	if f := s.fails(question.Query); f.Status != 0 {
		status, text = f.Status, []byte(f.Body)
	}
	s.wire = append(s.wire, Request{Method: r.Method, Path: "/graphql", Operation: question.Query, Body: string(body), Authorized: known, Status: status})
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that has gone away is not the server's fault
}
