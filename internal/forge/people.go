package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-github/v62/github"
)

// Role is what a person may do in a repository, from nothing to all.
type Role int

// The roles, in their order.
const (
	NoRole Role = iota
	Read
	Triage
	Write
	Maintain
	Admin
)

var roles = map[string]Role{"read": Read, "triage": Triage, "write": Write, "maintain": Maintain, "admin": Admin}

func (r Role) String() string {
	for word, one := range roles {
		if one == r {
			return word
		}
	}
	return "none"
}

// Role asks what a person may do. Somebody whom GitHub does not know there may nothing. A role that
// the organisation made itself counts as what it lets its holder do.
func (r *Reader) Role(ctx context.Context, repo Repository, login string) (Role, error) {
	doing := fmt.Sprintf("asking for the role of %q", login)
	var answer struct {
		Permission string `json:"permission"`
		RoleName   string `json:"role_name"`
		User       *struct {
			Permissions map[string]bool `json:"permissions"`
		} `json:"user"`
	}
	path := fmt.Sprintf("repos/%s/%s/collaborators/%s/permission", repo.Owner, repo.Name, url.PathEscape(login))
	err := r.get(ctx, path, &answer)
	switch {
	case status(err) == http.StatusNotFound:
		return NoRole, nil
	case err != nil:
		return NoRole, r.explain(doing, err)
	}
	if role, known := roles[answer.RoleName]; known {
		return role, nil
	}
	if answer.User != nil {
		for _, p := range []struct {
			name string
			role Role
		}{{"admin", Admin}, {"maintain", Maintain}, {"push", Write}, {"triage", Triage}, {"pull", Read}} {
			if answer.User.Permissions[p.name] {
				return p.role, nil
			}
		}
	}
	return roles[answer.Permission], nil
}

// get reads what the library has no method for.
func (r *Reader) get(ctx context.Context, path string, into any) error {
	req, err := r.api.NewRequest(http.MethodGet, path, nil)
	if err == nil {
		_, err = r.api.Do(ctx, req, into)
	}
	return err
}

// Approval is a person's answer to a job that waits for its environment. GitHub keeps no time of it.
type Approval struct {
	Login        string
	State        string // approved, rejected, pending
	Comment      string // from outside
	Environments []string
}

// Approvals returns who let a workflow run into which environments, all attempts together.
func (r *Reader) Approvals(ctx context.Context, repo Repository, run int64) ([]Approval, error) {
	var answer []struct {
		State        string `json:"state"`
		Comment      string `json:"comment"`
		Environments []struct {
			Name string `json:"name"`
		} `json:"environments"`
		User *github.User `json:"user"`
	}
	if err := r.get(ctx, fmt.Sprintf("repos/%s/%s/actions/runs/%d/approvals", repo.Owner, repo.Name, run), &answer); err != nil {
		return nil, r.explain(fmt.Sprintf("asking who approved run %d", run), err)
	}
	var out []Approval
	for _, a := range answer {
		one := Approval{Login: a.User.GetLogin(), State: a.State, Comment: a.Comment}
		for _, e := range a.Environments {
			one.Environments = append(one.Environments, e.Name)
		}
		out = append(out, one)
	}
	return out, nil
}
