package gha

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// largestEvent is above what GitHub delivers (25 MB).
const largestEvent = 32 << 20

// ChangeEvent says which change a workflow run is for. Title and branch come from outside.
type ChangeEvent struct {
	Name       string // such as pull_request
	Repository string // owner/name of the repository that the run belongs to; empty when not known
	SHA        string // the commit that the run is for: of a pull request, its merge into the base
	Change     *Change
}

// Change is what a pull request or a merge group would bring into its base.
type Change struct {
	Number     int    // of the pull request; 0 for a merge group
	Author     string // login of who opened the pull request, never of who started the run; empty for a merge group
	Title      string
	Branch     string
	Base, Head string // commits
	Foreign    bool   // the head lies in another repository, or in one that is gone
	Bot        bool   // no person opened the pull request
}

// ReadChange reads the change of the event from the runner's environment, nil outside a runner. Of the payload only
// what says which commits are compared is taken. A payload that cannot be read is an error when the
// event is one of a pull request or a merge group.
func ReadChange(getenv func(string) string) (*ChangeEvent, error) {
	e := &ChangeEvent{Name: getenv("GITHUB_EVENT_NAME"), Repository: getenv("GITHUB_REPOSITORY"), SHA: getenv("GITHUB_SHA")}
	if e.Name == "" {
		return nil, nil //nolint:nilnil // outside a runner there is no event
	}
	pull, group := strings.HasPrefix(e.Name, "pull_request"), e.Name == "merge_group"
	if !pull && !group {
		return e, nil
	}
	data, err := readPayload(getenv("GITHUB_EVENT_PATH"))
	if err == nil {
		e.Change, err = parseChange(data, group)
	}
	if err != nil {
		return nil, fault.Unreachable(fmt.Sprintf("the payload of the event %q cannot be read", e.Name), err, "run the workflow again, or give pull-request")
	}
	return e, nil
}

func readPayload(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("GITHUB_EVENT_PATH is not set")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, largestEvent+1))
	if err == nil && len(data) > largestEvent {
		err = fmt.Errorf("it is larger than %d MiB", largestEvent>>20)
	}
	return data, err
}

// parseChange takes the commits out of a payload. One that names none is an error.
func parseChange(data []byte, group bool) (*Change, error) {
	type side struct {
		SHA  string `json:"sha"`
		Ref  string `json:"ref"`
		Repo struct {
			FullName string `json:"full_name"`
		} `json:"repo"` // null when it is gone
	}
	var doc struct {
		Pull *struct {
			Number int    `json:"number"`
			Title  string `json:"title"`
			User   struct {
				Login string `json:"login"`
				Type  string `json:"type"`
			} `json:"user"`
			Base side `json:"base"`
			Head side `json:"head"`
		} `json:"pull_request"`
		Group *struct {
			Head string `json:"head_sha"`
			Base string `json:"base_sha"`
			Ref  string `json:"head_ref"`
		} `json:"merge_group"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	c := &Change{}
	switch p, g := doc.Pull, doc.Group; {
	case group && g != nil:
		c.Base, c.Head, c.Branch = g.Base, g.Head, g.Ref
	case !group && p != nil:
		*c = Change{Number: p.Number, Author: p.User.Login, Title: p.Title, Branch: p.Head.Ref, Base: p.Base.SHA, Head: p.Head.SHA}
		c.Foreign, c.Bot = p.Head.Repo.FullName == "" || p.Head.Repo.FullName != p.Base.Repo.FullName, p.User.Type != "User"
	default:
		return nil, errors.New("it is the payload of another event")
	}
	if !fullSHA.MatchString(c.Base) || !fullSHA.MatchString(c.Head) {
		return nil, errors.New("it names no commits")
	}
	return c, nil
}
