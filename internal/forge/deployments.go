package forge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-github/v62/github"
)

// Account is who did something on GitHub.
type Account struct {
	Login string `json:"login"`
	Bot   bool   `json:"bot"` // an app or a job's own token, no person
}

func account(u *github.User) Account {
	return Account{Login: u.GetLogin(), Bot: u.GetType() == "Bot"}
}

// Deployment is a deployment. Description and payload come from whoever may write deployments.
type Deployment struct {
	ID          int64
	SHA         string
	Environment string
	Description string
	Payload     []byte // JSON; a payload that was sent as text is taken out of its quotes
	Creator     Account
	CreatedAt   time.Time
}

// DeploymentState is what became of a deployment at some time.
type DeploymentState struct {
	ID          int64
	State       string // pending, queued, in_progress, success, failure, error, inactive
	Description string
	LogURL      string
	Creator     Account
	CreatedAt   time.Time
}

// mostListed is how many of the newest deployments, statuses or pushes are looked at.
const mostListed = 100

// Deployments returns the newest deployments of a task to an environment, the newest first. An empty
// task is any.
func (r *Reader) Deployments(ctx context.Context, repo Repository, environment, task string) ([]Deployment, error) {
	list, _, err := r.api.Repositories.ListDeployments(ctx, repo.Owner, repo.Name, &github.DeploymentsListOptions{
		Environment: environment, Task: task, ListOptions: github.ListOptions{PerPage: mostListed},
	})
	if err != nil {
		return nil, r.explain(fmt.Sprintf("listing the deployments to %q", environment), err)
	}
	var out []Deployment
	for _, d := range list {
		out = append(out, deployment(d))
	}
	slices.SortStableFunc(out, func(a, b Deployment) int { return cmp.Compare(b.ID, a.ID) })
	return out, nil
}

func deployment(d *github.Deployment) Deployment {
	payload := []byte(d.Payload)
	var text string
	if json.Unmarshal(payload, &text) == nil {
		payload = []byte(text)
	}
	return Deployment{
		ID: d.GetID(), SHA: d.GetSHA(), Environment: d.GetEnvironment(), Description: d.GetDescription(), Payload: payload,
		Creator: account(d.GetCreator()), CreatedAt: d.GetCreatedAt().Time,
	}
}

// DeploymentStates returns the newest statuses of a deployment, the newest first.
func (r *Reader) DeploymentStates(ctx context.Context, repo Repository, id int64) ([]DeploymentState, error) {
	list, _, err := r.api.Repositories.ListDeploymentStatuses(ctx, repo.Owner, repo.Name, id, &github.ListOptions{PerPage: mostListed})
	if err != nil {
		return nil, r.explain(fmt.Sprintf("listing the statuses of deployment %d", id), err)
	}
	var out []DeploymentState
	for _, s := range list {
		out = append(out, DeploymentState{
			ID: s.GetID(), State: s.GetState(), Description: s.GetDescription(), LogURL: cmp.Or(s.GetLogURL(), s.GetTargetURL()),
			Creator: account(s.GetCreator()), CreatedAt: s.GetCreatedAt().Time,
		})
	}
	slices.SortStableFunc(out, func(a, b DeploymentState) int { return cmp.Compare(b.ID, a.ID) })
	return out, nil
}

// NewDeployment is a deployment to be made.
type NewDeployment struct {
	Repository
	SHA         string
	Environment string
	Task        string
	Description string // 140 characters at most
	Payload     json.RawMessage
	Key         string // stands in the payload and in no other's: by it the deployment is found again
	Production  bool
}

// CreateDeployment makes a deployment and returns its id. No check is waited for: the job that asks
// is itself one that has not ended. A dry writer makes none and returns 0.
func (w *Writer) CreateDeployment(ctx context.Context, d NewDeployment) (int64, error) {
	if w.dry {
		return 0, nil
	}
	id, err := create(ctx, func() (int64, error) {
		made, _, err := w.api.Repositories.CreateDeployment(ctx, d.Owner, d.Name, &github.DeploymentRequest{
			Ref: &d.SHA, Task: &d.Task, AutoMerge: github.Bool(false), RequiredContexts: &[]string{}, Payload: d.Payload,
			Environment: &d.Environment, Description: github.String(cut(d.Description, longestDescription)), ProductionEnvironment: &d.Production,
		})
		return made.GetID(), err
	}, func() (int64, bool, error) {
		list, err := w.Deployments(ctx, d.Repository, d.Environment, d.Task)
		for _, one := range list {
			var payload struct {
				Key string `json:"key"`
			}
			if json.Unmarshal(one.Payload, &payload) == nil && payload.Key == d.Key {
				return one.ID, true, err
			}
		}
		return 0, false, err
	})
	if err != nil {
		return 0, w.explain(fmt.Sprintf("making a deployment to %q", d.Environment), err)
	}
	return id, nil
}

// longestDescription is what GitHub takes of a status' description.
const longestDescription = 140

// NewState is a status to be given to a deployment.
type NewState struct {
	State          string
	Description    string
	EnvironmentURL string // may be empty
	LogURL         string // may be empty
}

// SetDeploymentState gives a deployment a status. The other deployments of the environment stay as
// they are.
func (w *Writer) SetDeploymentState(ctx context.Context, repo Repository, id int64, s NewState) error {
	if w.dry {
		return nil
	}
	_, err := create(ctx, func() (string, error) {
		_, _, err := w.api.Repositories.CreateDeploymentStatus(ctx, repo.Owner, repo.Name, id, &github.DeploymentStatusRequest{
			State: &s.State, Description: github.String(cut(s.Description, longestDescription)), LogURL: optional(s.LogURL),
			EnvironmentURL: optional(s.EnvironmentURL), AutoInactive: github.Bool(false),
		})
		return s.State, err
	}, func() (string, bool, error) {
		list, err := w.DeploymentStates(ctx, repo, id)
		return s.State, len(list) > 0 && list[0].State == s.State, err
	})
	if err != nil {
		return w.explain(fmt.Sprintf("giving deployment %d the status %s", id, s.State), err)
	}
	return nil
}
