package command

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/deploy"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// Stand is how an environment stands.
type Stand struct {
	Environment, Kind string
	Active            *deploy.Standing  // null: none
	Newer             []deploy.Standing // upgrades after it, the newest first
}

// tell answers status.
func (p Place) tell(ctx context.Context, a *Asked) (*Answer, error) {
	out := &Answer{Outcome: Told, Asked: a, Text: "This is what GitHub's deployments say."}
	for _, name := range slices.Sorted(maps.Keys(p.Config.Environments)) {
		s := Stand{Environment: name, Kind: p.Config.Environments[name].Kind}
		var err error
		if s.Active, s.Newer, err = deploy.Look(ctx, p.GitHub.Reader, p.Repository, name); err != nil {
			return nil, err
		}
		out.Standing = append(out.Standing, s)
	}
	if len(out.Standing) == 0 {
		out.Text = "The configuration on the default branch has no environment."
	}
	var err error
	if out.Holds, err = p.Holds(ctx, a.Comment.Issue); err != nil {
		return nil, err
	}
	return out, p.reply(ctx, a.Comment.ID, a.Comment.Issue, agreed, out)
}

// Blocks are the answer for a report and for the reply.
func (a *Answer) Blocks() []report.Block {
	blocks := []report.Block{report.Para{Text: report.T(a.Text)}}
	if a.Run != nil {
		blocks = append(blocks, report.Para{Text: append(report.T("At commit "), report.C(a.Run.Commit)...)})
	}
	if a.Next != "" {
		blocks = append(blocks, report.Para{Text: report.T(strings.ToUpper(a.Next[:1]) + a.Next[1:] + ".")})
	}
	if len(a.Standing) > 0 {
		t := report.Table{Header: []string{"Environment", "Kind", "Upgraded to", "At commit", "Since", "After it"}}
		for _, s := range a.Standing {
			version, commit, since, after := "nothing recorded", "", "", ""
			if s.Active != nil {
				version, commit, since = s.Active.Version, s.Active.Commit, s.Active.At.UTC().Format(time.RFC3339)
			}
			for _, n := range s.Newer[:min(len(s.Newer), 1)] {
				after = strings.TrimSpace(n.Version + " " + n.State)
			}
			t.Rows = append(t.Rows, []report.Text{report.T(s.Environment), report.T(s.Kind), report.T(version), report.C(commit), report.T(since), report.T(after)})
		}
		blocks = append(blocks, t)
	}
	if a.Outcome == Told {
		text := "Nobody holds upgrades."
		for i, h := range a.Holds {
			if i == 0 {
				text = "Upgrades are "
			} else {
				text += "; "
			}
			text += h.String()
		}
		blocks = append(blocks, report.Para{Text: report.T(text)})
	}
	return blocks
}

// Markdown is the reply.
func (a *Answer) Markdown() string { return report.Reply(a.Blocks()...) }
