package github_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

const repo = "acme/churn"

// ask sends a request and returns its status, header and decoded answer.
func ask(t *testing.T, s *github.Server, token, method, path, body string) (int, http.Header, any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s %s: %v in %.200q", method, path, err, text)
		}
	}
	return resp.StatusCode, resp.Header, out
}

// server is a GitHub with one repository that holds a bit of all, and a token that may write.
func server(t *testing.T) *github.Server {
	t.Helper()
	s := github.New(t)
	s.AddToken("writer", github.JobToken("actions", "checks", "deployments", "issues", "pull_requests"))
	s.AddPullRequest(repo, github.PullRequest{
		Number: 7, Title: "Raise zenml", Author: "dependabot[bot]", HeadRepo: repo, HeadRef: "raise", HeadSHA: strings.Repeat("a", 40), BaseRef: "main", BaseSHA: strings.Repeat("b", 40),
		Files: []github.File{{Path: "requirements.txt", Status: "modified"}},
	})
	return s
}

// Every operation answers as GitHub describes it (the server itself sees to that), and what one
// writes another reads.
func TestOperations(t *testing.T) {
	t.Parallel()
	s := server(t)
	s.AddIssue(repo, github.Issue{Number: 3, Title: "Upgrade", Author: "ann", Labels: []string{"zenml"}})
	comment := s.AddComment(repo, 7, "ann", "first")
	artifact := s.AddArtifact(repo, github.Artifact{RunID: 5, Name: "result", Zip: []byte("PK")})
	s.Allow(repo, "ann", "maintain")
	s.Allow(repo, "cap", "custom:push,maintain")
	s.AddWorkflow(repo, "staging.yml")
	s.AddApproval(repo, 5, github.Approval{Login: "ann", State: "approved", Environments: []string{"production"}})
	head := strings.Repeat("a", 40)
	s.AddPush(repo, github.Push{Branch: "raise", Before: strings.Repeat("0", 40), After: head, Kind: "branch_creation"})
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string // in the answer, printed
	}{
		{"GET", "/releases", "", 200, "[]"},
		{"GET", "/issues?state=all", "", 200, "Upgrade"},
		{"POST", "/issues", `{"title":"T","body":"b","labels":["zenml"]}`, 201, "number:8"},
		{"GET", "/issues?labels=zenml", "", 200, "number:8"},
		{"PATCH", "/issues/8", `{"body":"c","state":"closed"}`, 200, "state:closed"},
		{"GET", "/issues/8", "", 200, "body:c"},
		{"GET", "/issues/99", "", 404, "Not Found"},
		{"GET", "/issues/7/comments", "", 200, "first"},
		{"POST", "/issues/7/comments", `{"body":"second"}`, 201, "github-actions[bot]"},
		{"PATCH", fmt.Sprint("/issues/comments/", comment), `{"body":"third"}`, 200, "third"},
		{"GET", fmt.Sprint("/issues/comments/", comment), "", 200, "third"},
		{"POST", fmt.Sprintf("/issues/comments/%d/reactions", comment), `{"content":"eyes"}`, 201, "eyes"},
		{"POST", fmt.Sprintf("/issues/comments/%d/reactions", comment), `{"content":"eyes"}`, 200, "eyes"},
		{"GET", fmt.Sprintf("/issues/comments/%d/reactions", comment), "", 200, "eyes"},
		{"DELETE", fmt.Sprint("/issues/comments/", comment), "", 204, ""},
		{"DELETE", fmt.Sprint("/issues/comments/", comment), "", 404, ""},
		{"POST", "/labels", `{"name":"blocked","color":"b60205"}`, 201, "b60205"},
		{"GET", "/labels/blocked", "", 200, "b60205"},
		{"POST", "/issues/7/labels", `{"labels":["blocked","new"]}`, 200, "ededed"},
		{"GET", "/issues/7/labels", "", 200, "blocked"},
		{"DELETE", "/issues/7/labels/new", "", 200, "blocked"},
		{"GET", "/pulls/7", "", 200, "name:blocked"},
		{"GET", "/pulls?head=acme:raise", "", 200, "number:7"},
		{"GET", "/pulls?head=acme:other", "", 200, "[]"},
		{"GET", "/pulls/7/files", "", 200, "requirements.txt"},
		{"POST", "/check-runs", `{"name":"c","head_sha":"` + head + `","status":"completed","conclusion":"failure","output":{"title":"t","summary":"s","annotations":[{"path":"a.py","start_line":1,"end_line":1,"annotation_level":"failure","message":"m"}]}}`, 201, "annotations_count:1"},
		{"GET", "/commits/" + head + "/check-runs?check_name=c", "", 200, "total_count:1"},
		{"PATCH", "/check-runs/105", `{"output":{"title":"t","summary":"s","annotations":[{"path":"a.py","start_line":2,"end_line":2,"annotation_level":"warning","message":"n"}]}}`, 200, "annotations_count:2"},
		{"GET", "/check-runs/105", "", 200, "conclusion:failure"},
		{"GET", "/check-runs/105/annotations", "", 200, "message:n"},
		{"POST", "/deployments", `{"ref":"` + head + `","environment":"staging","auto_merge":false,"required_contexts":[]}`, 201, "environment:staging"},
		{"GET", "/deployments?environment=staging", "", 200, "environment:staging"},
		{"GET", "/deployments/106", "", 200, "environment:staging"},
		{"POST", "/deployments/106/statuses", `{"state":"success","environment_url":"https://zenml.example.org"}`, 201, "state:success"},
		{"GET", "/deployments/106/statuses", "", 200, "zenml.example.org"},
		{"GET", "/actions/runs/5/artifacts?name=result", "", 200, "total_count:1"},
		{"GET", fmt.Sprintf("/actions/artifacts/%d/zip", artifact), "", 302, ""},
		{"GET", "/collaborators/ann/permission", "", 200, "role_name:maintain"},
		{"GET", "/collaborators/bob/permission", "", 200, "permission:none"},
		{"GET", "/collaborators/cap/permission", "", 200, "maintain:true"},
		{"GET", "/deployments?environment=staging&task=deploy", "", 200, "environment:staging"},
		{"GET", "/deployments?environment=staging&task=other", "", 200, "[]"},
		{"POST", "/deployments", `{"ref":"` + head + `"}`, 409, "Commit status checks failed"},
		{"GET", "/issues/7/timeline", "", 200, "event:unlabeled"},
		{"GET", "/issues/7/timeline?per_page=1&page=2", "", 200, "event:labeled"},
		{"GET", "/activity?ref=refs/heads/raise", "", 200, "after:" + head},
		{"GET", "/activity?ref=refs/heads/main", "", 200, "[]"},
		{"POST", "/actions/workflows/staging.yml/dispatches", `{"ref":"main","inputs":{"version":"0.98.0"}}`, 204, ""},
		{"POST", "/actions/workflows/none.yml/dispatches", `{"ref":"main"}`, 404, "Not Found"},
		{"POST", "/actions/workflows/staging.yml/dispatches", `{"ref":"` + head + `"}`, 422, "No ref found"},
		{"GET", "/actions/runs/5/approvals", "", 200, "state:approved"},
		{"GET", "/actions/runs/6/approvals", "", 200, "[]"},
	} {
		status, _, got := ask(t, s, "writer", tt.method, "/repos/"+repo+tt.path, tt.body)
		if text := fmt.Sprint(got); status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s %s: %d %.3000s\nwant %d with %q", tt.method, tt.path, status, text, tt.status, tt.want)
		}
	}
}

// What a token may write is what its kind allows.
func TestPermissions(t *testing.T) {
	t.Parallel()
	s := server(t)
	s.AddToken("fork", github.JobToken())
	s.AddToken("person", github.Token{Login: "ann", Write: []string{"checks", "issues"}})
	check := `{"name":"c","head_sha":"` + strings.Repeat("a", 40) + `"}`
	for _, tt := range []struct {
		token, path, body string
		status            int
		message           string
	}{
		{"fork", "/issues/7/comments", `{"body":"x"}`, 403, "Resource not accessible by integration"},
		{"fork", "/check-runs", check, 403, "Resource not accessible by integration"},
		{"person", "/check-runs", check, 403, "Resource not accessible by personal access token"},
		{"person", "/issues/7/comments", `{"body":"x"}`, 201, ""},
		{"stolen", "/issues/7/comments", `{"body":"x"}`, 401, "Bad credentials"},
	} {
		status, _, got := ask(t, s, tt.token, "POST", "/repos/"+repo+tt.path, tt.body)
		if m := got.(map[string]any); status != tt.status || tt.message != "" && m["message"] != tt.message {
			t.Errorf("%s %s: %d %v, want %d %s", tt.token, tt.path, status, m["message"], tt.status, tt.message)
		}
	}
}

// Pages of 30 unless asked for more, of 100 at most; each names the next.
func TestPages(t *testing.T) {
	t.Parallel()
	s := server(t)
	for range 130 {
		s.AddComment(repo, 7, "ann", "x")
	}
	for query, want := range map[string]int{"": 30, "?per_page=100": 100, "?per_page=500": 100, "?per_page=100&page=2": 30, "?per_page=100&page=3": 0} {
		_, header, got := ask(t, s, "writer", "GET", "/repos/"+repo+"/issues/7/comments"+query, "")
		if n := len(got.([]any)); n != want || (header.Get("Link") != "") != !strings.Contains(query, "page=2") && !strings.Contains(query, "page=3") {
			t.Errorf("%q: %d comments and Link %q, want %d", query, n, header.Get("Link"), want)
		}
	}
}

// An answer that did not change is not given again and does not count.
func TestConditional(t *testing.T) {
	t.Parallel()
	s := server(t)
	path := "/repos/" + repo + "/issues/7/comments"
	_, first, _ := ask(t, s, "writer", "GET", path, "")
	get := func() (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		req.Header.Set("Authorization", "Bearer writer")
		req.Header.Set("If-None-Match", first.Get("ETag"))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("X-Ratelimit-Remaining")
	}
	if status, left := get(); status != 304 || left != "998" {
		t.Errorf("unchanged: %d with %s left", status, left)
	}
	s.AddComment(repo, 7, "ann", "new")
	if status, left := get(); status != 200 || left != "998" {
		t.Errorf("changed: %d with %s left", status, left)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := server(t)
	s.LimitWrites(0, 3*time.Second)
	path, body := "/repos/"+repo+"/issues/7/comments", `{"body":"x"}`
	if status, header, _ := ask(t, s, "writer", "POST", path, body); status != 403 || header.Get("Retry-After") != "3" {
		t.Errorf("secondary: %d %v", status, header)
	}
	if status, _, _ := ask(t, s, "writer", "POST", path, body); status != 201 {
		t.Errorf("after it: %d", status)
	}
	s.Limit(0, time.Now().Add(time.Hour))
	if status, header, _ := ask(t, s, "writer", "GET", path, ""); status != 403 || header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("primary: %d %v", status, header)
	}
}

// A new comment is missing in a list, and a request takes effect although its answer fails.
func TestLagAndFailures(t *testing.T) {
	t.Parallel()
	s := server(t)
	s.Lag(repo, 1)
	path := "/repos/" + repo + "/issues/7/comments"
	s.Fail(github.Failure{Operation: "issues/create-comment", Status: 502, After: true})
	if status, _, _ := ask(t, s, "writer", "POST", path, `{"body":"x"}`); status != 502 {
		t.Errorf("the failure is %d", status)
	}
	var seen []int
	for range 2 {
		_, _, got := ask(t, s, "writer", "GET", path, "")
		seen = append(seen, len(got.([]any)))
	}
	if d := cmp.Diff([]int{0, 1}, seen); d != "" {
		t.Errorf("comments in two lists (-want +got): %s", d)
	}
}

// An enterprise server has its API below a path.
func TestEnterprise(t *testing.T) {
	t.Parallel()
	s := github.NewEnterprise(t)
	s.AddRepository(repo)
	if status, _, _ := ask(t, s, "", "GET", "/repos/"+repo+"/releases", ""); status != 200 || !strings.HasSuffix(s.URL, "/api/v3") || !strings.HasSuffix(s.GraphQLURL, "/api/graphql") {
		t.Errorf("%d at %s, %s", status, s.URL, s.GraphQLURL)
	}
	want := "GET /repos/acme/churn/releases -> 200\n"
	if d := cmp.Diff(want, s.Wire()); d != "" {
		t.Error(d)
	}
}
