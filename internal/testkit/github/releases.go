package github

import (
	"fmt"
	"time"
)

var releaseOperations = map[string]handler{"repos/list-releases": (*Server).listReleases}

// Release is a release that the server lists.
type Release struct {
	Tag       string
	Body      string
	Published time.Time
	Draft     bool
}

// AddReleases adds releases to a repository ("owner/name"), newest first as GitHub lists them.
func (s *Server) AddReleases(repo string, releases ...Release) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(repo)
	r.releases = append(r.releases, releases...)
}

// Move makes a repository answer with a redirect to the API address of its new name.
func (s *Server) Move(repo, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[repo] = &repository{movedTo: to}
}

func (s *Server) listReleases(c *call) answer {
	var all []any
	for i, rel := range c.repo.releases {
		all = append(all, rel.json(c.name, i+1))
	}
	return s.list(c, all)
}

func (rel Release) json(repo string, id int) map[string]any {
	at := stamp(rel.Published)
	return map[string]any{
		"id": id, "node_id": fmt.Sprint("RE_", id), "tag_name": rel.Tag, "name": rel.Tag, "body": rel.Body, "draft": rel.Draft,
		"prerelease": false, "target_commitish": "main", "created_at": at, "published_at": at, "assets": []any{},
		"url": fmt.Sprintf("%s/releases/%d", api(repo), id), "assets_url": fmt.Sprintf("%s/releases/%d/assets", api(repo), id),
		"upload_url": "https://uploads.github.com/", "html_url": web(repo) + "/releases/tag/" + rel.Tag,
		"tarball_url": api(repo) + "/tarball/" + rel.Tag, "zipball_url": api(repo) + "/zipball/" + rel.Tag, "author": user("maintainer"),
	}
}
