package releasecheck

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/serveruse"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

func (in *Inputs) decodeServer() error {
	if in.ServerURL == "" {
		if in.ServerToken != "" {
			return fault.BadInput("server-token is given without server-url", "give the address of the server that the key is of")
		}
		return nil
	}
	u, err := url.Parse(in.ServerURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fault.BadInput("server-url is no http(s) address", "give it as https://zenml.example.com")
	}
	return nil
}

// lookAtServer reads what the server really uses. What goes wrong leaves that unknown.
func (g *gathered) lookAtServer(ctx context.Context, rt *action.Runtime, in *Inputs) {
	if in.ServerURL == "" || in.ServerToken == "" {
		return
	}
	step := rt.Progress.Start("what the server uses")
	g.use, g.noUse = serveruse.Look(ctx, in.ServerURL, in.ServerToken)
	end(step, g.noUse, "")
}

// serverReasons tells what of the server is not known. Whoever gave a key wants its answer, so a
// server that gave none leaves the verdict unknown.
func (r *Result) serverReasons(s *settings, g *gathered) []verdict.Reason {
	if g.noUse != nil {
		return []verdict.Reason{verdict.Because(verdict.Unknown, "server_unknown", "What the server really uses is not known.", []string{oneLine(g.noUse)})}
	}
	if s.noServer != nil {
		return []verdict.Reason{verdict.Because(verdict.Unknown, "server_unknown", "Which version the server runs is not known: it may be older than where this check starts.", []string{oneLine(s.noServer)})}
	}
	if g.use == nil {
		return nil
	}
	var out []verdict.Reason
	if g.use.Version != *r.From {
		out = append(out, verdict.Because(verdict.Review, "server_version_differs",
			fmt.Sprintf("The server runs ZenML %s, and this check starts from %s.", g.use.Version, *r.From), nil))
	}
	var closed []string
	for _, kind := range kindNames {
		if k := g.use.Kinds[kind.name]; k.Status == serveruse.Unknown {
			closed = append(closed, kind.name+": "+*k.Why)
		}
	}
	if len(closed) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "server_unread", fmt.Sprintf("%s of the server's content could not be read.", report.Count(len(closed), "kind")), closed))
	}
	return out
}

// kindNames are the kinds in the order of a reader's interest.
var kindNames = []struct{ name, title string }{
	{serveruse.Components, "Stack components"}, {serveruse.Flavors, "Flavors"}, {serveruse.Integrations, "Integrations"}, {serveruse.Stacks, "Stacks"},
	{serveruse.Connectors, "Service connectors"}, {serveruse.RunTemplates, "Run templates"}, {serveruse.Snapshots, "Named snapshots"},
	{serveruse.Schedules, "Schedules"}, {serveruse.Materializers, "Artifact versions"}, {serveruse.PickledArtifacts, "Pickled artifact versions"},
	{serveruse.Runs, "Runs"}, {serveruse.Projects, "Projects"},
}

// mostNames bounds the names of one kind in the report; result.json has more.
const mostNames = 12

func (r *Result) serverSections() []report.Section {
	u := r.Server
	if u == nil {
		return nil
	}
	t := report.Table{Header: []string{"What", "How many", "Which"}}
	for _, kind := range kindNames {
		k := u.Kinds[kind.name]
		many, which := fmt.Sprint(k.Total), names(k.Items)
		switch k.Status {
		case serveruse.Unknown:
			many, which = "not known", *k.Why
		case serveruse.NotInVersion:
			many, which = "none", *k.Why
		case serveruse.Partial:
			which = "of the newest: " + which
		case serveruse.Read:
		}
		t.Rows = append(t.Rows, []report.Text{report.T(kind.title), report.T(many), report.T(which)})
	}
	var clients []string
	for _, c := range u.Clients {
		clients = append(clients, fmt.Sprintf("ZenML %s on Python %s (%s)", orUnknown(c.ZenML), orUnknown(c.Python), report.Count(c.Runs, "run")))
	}
	text := fmt.Sprintf("ZenML %s, deployment %s, database %s.", u.Version, u.DeploymentType, u.DatabaseType)
	if len(clients) > 0 {
		text += " Clients of the newest runs: " + strings.Join(clients[:min(len(clients), mostNames)], ", ") + "."
	}
	return []report.Section{{Title: "What the server uses", Folded: true, Blocks: []report.Block{report.Para{Text: report.T(text)}, t}}}
}

func orUnknown(s *string) string {
	if s == nil {
		return "not known"
	}
	return *s
}

func names(items []serveruse.Item) string {
	var out []string
	for _, i := range items {
		text := i.Name
		if i.Of != "" {
			text += " (" + i.Of + ")"
		}
		if i.Count > 1 {
			text += fmt.Sprintf(" × %d", i.Count)
		}
		out = append(out, text)
	}
	out = slices.Compact(out)
	if len(out) > mostNames {
		out = append(out[:mostNames], fmt.Sprintf("and %d more", len(items)-mostNames))
	}
	return strings.Join(out, ", ")
}
