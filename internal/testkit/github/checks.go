package github

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

var checkOperations = map[string]handler{
	"checks/create": (*Server).createCheck, "checks/update": (*Server).updateCheck, "checks/get": (*Server).getCheck,
	"checks/list-for-ref": (*Server).listChecks, "checks/list-annotations": (*Server).listAnnotations,
}

// mostAnnotations is what one request may bring; more are added by further ones.
const mostAnnotations = 50

// CheckRun is a check run as tests see it.
type CheckRun struct {
	ID                        int64
	Name, HeadSHA, ExternalID string
	Status, Conclusion        string
	Title, Summary            string
	Annotations               []Annotation
}

// Annotation marks lines of a file.
type Annotation struct {
	Path      string `json:"path"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	Level     string `json:"annotation_level"`
	Title     string `json:"title"`
	Message   string `json:"message"`
}

type checkRun struct {
	CheckRun
	app string
}

// Checks returns the check runs of a repository in the order of their creation.
func (s *Server) Checks(repo string) []CheckRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []CheckRun
	for _, c := range sorted(s.repo(repo).checks) {
		out = append(out, c.CheckRun)
	}
	return out
}

func (s *Server) checkJSON(name string, c *checkRun) map[string]any {
	out := s.with("check-run", map[string]any{
		"id": c.ID, "node_id": fmt.Sprint("CR_", c.ID), "name": c.Name, "head_sha": c.HeadSHA, "external_id": c.ExternalID, "status": c.Status,
		"conclusion": nil, "completed_at": nil, "pull_requests": []any{}, "html_url": fmt.Sprintf("%s/runs/%d", web(name), c.ID),
		"url": fmt.Sprintf("%s/check-runs/%d", api(name), c.ID), "details_url": fmt.Sprintf("%s/runs/%d", web(name), c.ID),
	})
	if c.Status == "completed" {
		out["conclusion"], out["completed_at"] = c.Conclusion, stamp(s.now)
	}
	app := s.spec.example(s.tb, "check-run")["app"]
	if m, ok := app.(map[string]any); ok {
		m["slug"] = c.app
		out["app"] = m
	}
	out["output"] = map[string]any{
		"title": c.Title, "summary": c.Summary, "text": nil, "annotations_count": len(c.Annotations),
		"annotations_url": fmt.Sprintf("%s/check-runs/%d/annotations", api(name), c.ID),
	}
	return out
}

// checkInput is what creating and updating have in common.
type checkInput struct {
	Name       *string `json:"name"`
	HeadSHA    string  `json:"head_sha"`
	ExternalID *string `json:"external_id"`
	Status     *string `json:"status"`
	Conclusion *string `json:"conclusion"`
	Output     *struct {
		Title       string       `json:"title"`
		Summary     string       `json:"summary"`
		Annotations []Annotation `json:"annotations"`
	} `json:"output"`
}

// put takes over what the request brings. Annotations are added to those that are there.
func (c *checkRun) put(in checkInput) *answer {
	for to, from := range map[*string]*string{&c.Name: in.Name, &c.ExternalID: in.ExternalID, &c.Status: in.Status, &c.Conclusion: in.Conclusion} {
		if from != nil {
			*to = *from
		}
	}
	if in.Conclusion != nil {
		c.Status = "completed" // as GitHub does whenever a conclusion is given
	}
	wrong := c.Status == "completed" && c.Conclusion == ""
	if in.Output != nil {
		c.Title, c.Summary, c.Annotations = in.Output.Title, in.Output.Summary, append(c.Annotations, in.Output.Annotations...)
		wrong = wrong || len(in.Output.Annotations) > mostAnnotations || len(in.Output.Summary) > 65535
	}
	if wrong {
		a := refuse(http.StatusUnprocessableEntity, "Invalid request.")
		return &a
	}
	return nil
}

func (s *Server) createCheck(c *call) answer {
	var in checkInput
	c.decode(&in)
	run := &checkRun{CheckRun: CheckRun{HeadSHA: in.HeadSHA, Status: "queued"}, app: strings.TrimSuffix(c.token.Login, "[bot]")}
	if bad := run.put(in); bad != nil {
		return *bad
	}
	run.ID = s.id()
	c.repo.checks[run.ID] = run
	s.tick()
	return give(http.StatusCreated, s.checkJSON(c.name, run))
}

func (s *Server) updateCheck(c *call) answer {
	run := c.repo.checks[c.number("check_run_id")]
	if run == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var in checkInput
	c.decode(&in)
	changed := *run
	changed.Annotations = slices.Clone(run.Annotations)
	if bad := changed.put(in); bad != nil {
		return *bad
	}
	*run = changed
	s.tick()
	return give(http.StatusOK, s.checkJSON(c.name, run))
}

func (s *Server) getCheck(c *call) answer {
	run := c.repo.checks[c.number("check_run_id")]
	if run == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	return give(http.StatusOK, s.checkJSON(c.name, run))
}

// listChecks lists the newest first; by default only the newest of each name and app.
func (s *Server) listChecks(c *call) answer {
	q := c.URL.Query()
	var all []any
	seen := map[string]bool{}
	for _, run := range slices.Backward(sorted(c.repo.checks)) {
		key := run.app + "\x00" + run.Name
		switch {
		case run.HeadSHA != c.params["ref"] || q.Get("check_name") != "" && q.Get("check_name") != run.Name:
		case q.Get("filter") != "all" && seen[key]:
		default:
			all = append(all, s.checkJSON(c.name, run))
		}
		seen[key] = true
	}
	page, links := s.page(c, all)
	return answer{http.StatusOK, links, map[string]any{"total_count": len(all), "check_runs": page}}
}

func (s *Server) listAnnotations(c *call) answer {
	run := c.repo.checks[c.number("check_run_id")]
	if run == nil {
		return refuse(http.StatusNotFound, "Not Found")
	}
	var all []any
	for _, a := range run.Annotations {
		one := map[string]any{"start_column": nil, "end_column": nil, "raw_details": nil, "blob_href": web(c.name)}
		text, _ := json.Marshal(a) // strings and numbers encode
		fields := map[string]any{}
		_ = json.Unmarshal(text, &fields)
		maps.Copy(one, fields)
		all = append(all, one)
	}
	return s.list(c, all)
}
