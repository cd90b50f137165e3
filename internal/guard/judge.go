package guard

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// acting are the last words of paths whose GET is no mere read: it asks an orchestrator and writes what
// that says, ends something, or hands out a token that would go around the guard.
var acting = []string{"refresh", "stop", "logout", "download-token"}

// makes are the collections into which a run, and the stack that it needs, is written.
var makes = []string{
	"components", "stacks", "pipelines", "pipeline_builds", "pipeline_deployments", "pipeline_snapshots", "deployments", "runs", "steps",
	"artifacts", "artifact_versions", "run-metadata", "run_metadata", "logs",
}

// passes says whether a request may reach the server.
func (g *Guard) passes(method, path string, query url.Values, body []byte) bool {
	if g.config.Open {
		return true
	}
	words := strings.Split(strings.Trim(path, "/"), "/")
	switch method {
	case http.MethodGet, http.MethodHead:
		refresh := query.Get("refresh_status")
		return !slices.Contains(acting, words[len(words)-1]) && (refresh == "" || strings.EqualFold(refresh, "false"))
	case http.MethodPost:
		return g.config.Mark != "" && g.adds(words) && g.namesOurs(body)
	case http.MethodPut, http.MethodDelete:
		return len(words) > 1 && g.ours(words[1])
	}
	return false
}

// adds says whether a POST to a path adds to a collection of makes, or to something that was made. One
// below a thing of the team's (a template's or snapshot's runs) would execute it.
func (g *Guard) adds(words []string) bool {
	if len(words) > 2 && (words[0] == "workspaces" || words[0] == "projects") { // of older servers
		words = words[2:]
	}
	switch {
	case !slices.Contains(makes, words[0]):
		return false
	case len(words) == 1:
		return true
	}
	return words[1] == "batch" || g.ours(words[1])
}

func (g *Guard) ours(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.made[id]
}

// namesOurs says whether a request's body carries the mark or the id of something that was made.
func (g *Guard) namesOurs(body []byte) bool {
	if bytes.Contains(body, []byte(g.config.Mark)) {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.made {
		if bytes.Contains(body, []byte(id)) {
			return true
		}
	}
	return false
}

// note keeps the ids of what an answer to a POST says was made: one thing, a list, or a pair of a
// thing and whether it is new.
func (g *Guard) note(answer []byte) {
	type thing struct {
		ID string `json:"id"`
	}
	var found []thing
	var one thing
	var list []json.RawMessage
	switch {
	case json.Unmarshal(answer, &one) == nil:
		found = append(found, one)
	case json.Unmarshal(answer, &list) == nil:
		if len(list) == 2 && string(bytes.TrimSpace(list[1])) == "false" { // it was there before
			return
		}
		for _, item := range list {
			var t thing
			if json.Unmarshal(item, &t) == nil {
				found = append(found, t)
			}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range found {
		if t.ID != "" {
			g.made[t.ID] = true
		}
	}
}
