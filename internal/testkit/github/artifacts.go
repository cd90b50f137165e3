package github

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

var artifactOperations = map[string]handler{
	"actions/list-workflow-run-artifacts": (*Server).listArtifacts, "actions/download-artifact": (*Server).downloadArtifact,
}

// Artifact is a file that a workflow run uploaded.
type Artifact struct {
	ID      int64
	RunID   int64
	Name    string
	Zip     []byte
	Size    int64 // as GitHub lists it; 0 for that of Zip
	Expired bool
}

// AddArtifact adds what a run uploaded and returns its id.
func (s *Server) AddArtifact(repo string, a Artifact) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.ID = s.id()
	if a.Size == 0 {
		a.Size = int64(len(a.Zip))
	}
	s.repo(repo).artifacts[a.ID] = &a
	return a.ID
}

// listArtifacts lists the newest first.
func (s *Server) listArtifacts(c *call) answer {
	name := c.URL.Query().Get("name")
	var all []any
	for _, a := range slices.Backward(sorted(c.repo.artifacts)) {
		if a.RunID != c.number("run_id") || name != "" && name != a.Name {
			continue
		}
		url := fmt.Sprintf("%s/actions/artifacts/%d", api(c.name), a.ID)
		all = append(all, map[string]any{
			"id": a.ID, "node_id": fmt.Sprint("AR_", a.ID), "name": a.Name, "size_in_bytes": a.Size, "expired": a.Expired,
			"url": url, "archive_download_url": url + "/zip", "created_at": stamp(s.now), "updated_at": stamp(s.now), "expires_at": stamp(s.now),
		})
	}
	page, links := s.page(c, all)
	return answer{http.StatusOK, links, map[string]any{"total_count": len(all), "artifacts": page}}
}

// downloadArtifact leads to the store, a host of its own.
func (s *Server) downloadArtifact(c *call) answer {
	a := c.repo.artifacts[c.number("artifact_id")]
	switch {
	case a == nil:
		return refuse(http.StatusNotFound, "Not Found")
	case a.Expired:
		return refuse(http.StatusGone, "Artifact has expired")
	}
	return answer{http.StatusFound, http.Header{"Location": {fmt.Sprintf("%s/%s/%d", s.store.URL, c.name, a.ID)}}, nil}
}

// serveStore is the store of artifacts. It refuses a request that bears GitHub's token, as the
// real one does.
func (s *Server) serveStore(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		s.tb.Errorf("fake GitHub: a token went to the store of artifacts")
		http.Error(w, "Server failed to authenticate the request", http.StatusBadRequest)
		return
	}
	path := strings.Trim(r.URL.Path, "/")
	at := strings.LastIndexByte(path, '/')
	id, _ := strconv.ParseInt(path[at+1:], 10, 64) // none has the id 0
	s.mu.Lock()
	repo := s.repos[path[:max(at, 0)]]
	var a *Artifact
	if repo != nil {
		a = repo.artifacts[id]
	}
	s.wire = append(s.wire, Request{Method: r.Method, Path: "(store)", Operation: "(store)", Status: http.StatusOK})
	s.mu.Unlock()
	if a == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	_, _ = w.Write(a.Zip) // a client that has gone away is not the server's fault
}
