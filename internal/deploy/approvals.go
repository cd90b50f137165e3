package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// Approved is a person's answer to a job that waited for its environment, as it stands in result.json.
type Approved struct {
	Login        string   `json:"login"`
	State        string   `json:"state"` // approved, rejected, pending
	Comment      string   `json:"comment"`
	Environments []string `json:"environments"`
	// LetInAt is when the job was let into the environment: GitHub keeps no time of the answer itself. Null
	// when it keeps none of that either.
	LetInAt *time.Time `json:"let_in_at"`
}

// mostLookedThrough bounds how many of GitHub's own deployments are looked through for a time.
const mostLookedThrough = 5

// Approvals reads who let a workflow run into its environments.
func Approvals(ctx context.Context, r *forge.Reader, repo forge.Repository, run int64) ([]Approved, error) {
	list, err := r.Approvals(ctx, repo, run)
	if err != nil {
		return nil, err
	}
	times := map[string]*time.Time{}
	out := []Approved{}
	for _, a := range list {
		one := Approved{Login: a.Login, State: a.State, Comment: a.Comment, Environments: append([]string{}, a.Environments...)}
		for _, e := range a.Environments {
			at, asked := times[e]
			if !asked {
				if at, err = letIn(ctx, r, repo, e, run); err != nil {
					return nil, err
				}
				times[e] = at
			}
			if one.State == "approved" && at != nil && (one.LetInAt == nil || at.After(*one.LetInAt)) {
				one.LetInAt = at
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// letIn finds when a run was let into an environment: GitHub makes a deployment for the job, which waits
// and is then queued or in progress.
func letIn(ctx context.Context, r *forge.Reader, repo forge.Repository, environment string, run int64) (*time.Time, error) {
	list, err := r.Deployments(ctx, repo, environment, "deploy")
	if err != nil {
		return nil, err
	}
	mark := fmt.Sprintf("/actions/runs/%d/", run)
	for _, d := range list[:min(len(list), mostLookedThrough)] {
		states, err := r.DeploymentStates(ctx, repo, d.ID)
		if err != nil {
			return nil, err
		}
		for _, s := range slices.Backward(states) {
			if strings.Contains(s.LogURL+"/", mark) && (s.State == Queued || s.State == InProgress) {
				at := s.CreatedAt.UTC()
				return &at, nil
			}
		}
	}
	return nil, nil //nolint:nilnil // GitHub keeps no time of it
}

// Wanted is how many people must have approved.
type Wanted struct {
	Count        int
	Environments []string // approvals of these count
	From         []string // logins of those who may approve
}

// Rule is the gate approvals. read and asked are called each time it is judged: what a person takes back
// counts. Of those who asked for the upgrade nobody approves what is one's own.
func (w Wanted) Rule(asked func() []string, read func(context.Context) ([]Approved, error)) gate.Rule {
	return gate.Rule{
		Name:   "approvals",
		Needed: fmt.Sprintf("%d approved %s, of %s", w.Count, strings.Join(w.Environments, " or "), strings.Join(w.From, ", ")),
		Ask: func(ctx context.Context) (gate.Answer, error) {
			list, err := read(ctx)
			if err != nil {
				return gate.Answer{}, err
			}
			return w.judge(list, asked()), nil
		},
	}
}

func (w Wanted) judge(list []Approved, asked []string) gate.Answer {
	var yes, no []string
	var answer gate.Answer
	for _, a := range list {
		if !slices.ContainsFunc(a.Environments, func(e string) bool { return slices.Contains(w.Environments, e) }) {
			continue
		}
		answer.Evidence = append(answer.Evidence, a.sentence())
		switch {
		case a.State == "rejected":
			no = append(no, a.Login)
		case a.State != "approved" || !has(w.From, a.Login) || has(asked, a.Login) || has(yes, a.Login):
		default:
			yes = append(yes, a.Login)
		}
	}
	answer.Open = len(yes) >= w.Count && len(no) == 0
	answer.Got = fmt.Sprintf("%d count: %s", len(yes), strings.Join(yes, ", "))
	if len(yes) == 0 {
		answer.Got = "none counts"
	}
	answer.Next = "let those approve who may and did not ask for the upgrade themselves"
	if len(no) > 0 {
		answer.Got += "; rejected by " + strings.Join(no, ", ")
		answer.Next = "mend what they object to, then start a new run"
	}
	return answer
}

func (a Approved) sentence() string {
	at := "at a time that GitHub does not keep"
	if a.LetInAt != nil {
		at = "let in at " + a.LetInAt.Format(time.RFC3339)
	}
	return fmt.Sprintf("%s %s %s, %s", a.Login, a.State, strings.Join(a.Environments, ", "), at)
}

func has(list []string, login string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, login) })
}
