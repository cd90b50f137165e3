package forge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-github/v62/github"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// Artifact downloads what a workflow run uploaded under a name: a zip of limit bytes at most, which
// anybody may have written. Nothing is put on the disk.
func (r *Reader) Artifact(ctx context.Context, repo Repository, run int64, name string, limit int64) ([]byte, error) {
	doing := fmt.Sprintf("downloading the artifact %q of run %d", name, run)
	var found *github.Artifact
	err := r.eachPage(doing, func(opts *github.ListOptions) (*github.Response, error) {
		list, resp, err := r.api.Actions.ListWorkflowRunArtifacts(ctx, repo.Owner, repo.Name, run, opts)
		if list != nil {
			for _, a := range list.Artifacts {
				if a.GetName() == name && a.GetID() > found.GetID() {
					found = a // of a run that ran again the newest
				}
			}
		}
		return resp, err
	})
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, r.explain(doing, errors.New("the run has none of that name"))
	case found.GetExpired():
		return nil, r.explain(doing, errors.New("it has expired"))
	case found.GetSizeInBytes() > limit:
		return nil, tooLarge(name, found.GetSizeInBytes(), limit)
	}
	from, _, err := r.api.Actions.DownloadArtifact(ctx, repo.Owner, repo.Name, found.GetID(), 0)
	if err != nil {
		return nil, r.explain(doing, err)
	}
	if from.Scheme != "https" && !loopback(from.Hostname()) {
		return nil, r.explain(doing, fmt.Errorf("it lies at a %s address", from.Scheme))
	}
	return r.store(ctx, doing, name, from.String(), limit)
}

// store reads from GitHub's store of artifacts, another host, which gets no token.
func (r *Reader) store(ctx context.Context, doing, name, from string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, r.explain(doing, err)
	}
	client := &http.Client{Transport: r.wire, Timeout: answerTimeout}
	resp, err := client.Do(req)
	if err != nil {
		return nil, r.explain(doing, errors.Unwrap(err)) // without the address, which is a key
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, r.explain(doing, fmt.Errorf("the store answered with status %d", resp.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, r.explain(doing, err)
	case int64(len(data)) > limit:
		return nil, tooLarge(name, int64(len(data)), limit)
	}
	return data, nil
}

func tooLarge(name string, size, limit int64) error {
	return fault.BadInput(fmt.Sprintf("the artifact %q has at least %d bytes, more than the %d that a result may have", name, size, limit), "nothing was published; look at what the run uploaded")
}
