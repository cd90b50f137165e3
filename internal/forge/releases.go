package forge

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-github/v62/github"
)

// Release is a published release. Body is Markdown from outside.
type Release struct {
	Tag         string
	URL         string
	Body        string
	PublishedAt *time.Time
}

// Releases returns the published releases of a repository, newest first as GitHub lists them;
// drafts are left out.
func (r *Reader) Releases(ctx context.Context, owner, repo string) ([]Release, error) {
	var out []Release
	err := r.eachPage(fmt.Sprintf("listing the releases of %q", owner+"/"+repo), func(opts *github.ListOptions) (*github.Response, error) {
		page, resp, err := r.api.Repositories.ListReleases(ctx, owner, repo, opts)
		for _, rel := range page {
			if !rel.GetDraft() {
				out = append(out, release(rel))
			}
		}
		return resp, err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func release(rel *github.RepositoryRelease) Release {
	out := Release{Tag: rel.GetTagName(), URL: rel.GetHTMLURL(), Body: rel.GetBody()}
	if rel.PublishedAt != nil {
		out.PublishedAt = &rel.PublishedAt.Time
	}
	return out
}
