package compat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// Address is a server of the team's.
type Address struct {
	URL        string
	Key        string // API key of a service account there; secret
	Production bool   // the configuration calls it so
}

// OwnServers are servers of the team's that are tested beside the throw-away ones.
type OwnServers struct {
	Old          *Address // nil: none is tested
	New          *Address // nil: there is no new one yet
	AllowWrites  bool     // the repository's pipelines and what writes run there too
	ArtifactRoot string   // folder of the local artifact stores; "" where there is none on this machine
}

// ServersFact is what was done on the team's own servers.
type ServersFact struct {
	Old         ServerFact  `json:"old"`
	New         *ServerFact `json:"new"` // null when new-server-url was not given
	AllowWrites bool        `json:"allow_writes"`
	Skew        []Skew      `json:"skew"` // null when not measured

	written []string // files of their artifact stores that changed while artifacts were loaded
	gaps    []string // what could not be found out
}

// ServerFact is what was done on one of the team's servers.
type ServerFact struct {
	Version    string   `json:"version"`
	Production bool     `json:"production"`
	Refused    []string `json:"refused"` // requests of clients that would have changed it and did not reach it
	Left       []string `json:"left"`    // what of the own pipeline's could not be deleted
}

// ownServer is a server of the team's during a test.
type ownServer struct {
	Address
	name  string // for messages
	input string
	api   *zenml.Client // logged in with the real key: only lists, and deletes what carries our mark
	id    string
	fact  *ServerFact
}

// connect logs in to the team's servers, before anything is started, and deletes what an earlier test
// that was killed left there.
func (t *test) connect(ctx context.Context) error {
	if t.Servers.Old == nil || t.Untrusted {
		return nil
	}
	fact := &ServersFact{AllowWrites: t.Servers.AllowWrites}
	t.res.Servers = fact
	var err error
	if t.theirOld, err = connect(ctx, t.Servers.Old, "server-url", "your old server", t.From); err != nil {
		return err
	}
	if t.Servers.New != nil {
		if t.theirNew, err = connect(ctx, t.Servers.New, "new-server-url", "your new server", t.To); err != nil {
			return err
		}
		if t.theirNew.id == t.theirOld.id && t.theirNew.URL == t.theirOld.URL {
			return fault.BadInput("server-url and new-server-url name one server", "give the address of the upgraded one as new-server-url, or leave it out")
		}
		fact.New = t.theirNew.fact
	}
	fact.Old = *t.theirOld.fact
	t.theirOld.fact = &fact.Old
	return nil
}

func connect(ctx context.Context, a *Address, input, name, release string) (*ownServer, error) {
	s := &ownServer{Address: *a, name: name, input: input, api: zenml.New(a.URL), fact: &ServerFact{Production: a.Production, Refused: []string{}, Left: []string{}}}
	info, err := s.api.Info(ctx)
	if err != nil {
		return nil, fault.Unreachable("the server in "+input+" did not answer", err, "check the address and that the server runs")
	}
	s.id, s.fact.Version = info.ID, info.Version
	if info.Version != release {
		return nil, fault.BadInput(fmt.Sprintf("the server in %s runs ZenML %q, not %q", input, info.Version, release), "give the versions that the servers run as from and to")
	}
	var status *zenml.StatusError
	if err := s.api.LoginKey(ctx, a.Key); errors.As(err, &status) && status.Code == http.StatusUnauthorized {
		return nil, fault.BadInput("the server in "+input+" refused the key", "give an API key of a service account of this very server")
	} else if err != nil {
		return nil, fault.Unreachable("the server in "+input+" did not answer the log-in", err, "look at the server's log")
	}
	left, err := sweep(ctx, s.api, release, leftBefore(time.Now()))
	if err != nil {
		return nil, fault.Unreachable("the server in "+input+" cannot be read", err, "give the key of an account that may read it")
	}
	s.fact.Left = append(s.fact.Left, left...)
	return s, nil
}

// reasons lists what the team's servers give ground for.
func (f *ServersFact) reasons(from, to string) []verdict.Reason {
	var out []verdict.Reason
	sides := []*ServerFact{&f.Old}
	if f.New != nil {
		sides = append(sides, f.New)
	} else {
		out = append(out, verdict.Because(verdict.Review, "new_server_not_given",
			"only your old server was tested: whether yours works when upgraded was seen on throw-away servers alone", nil))
	}
	var left []string
	production := false
	for _, s := range sides {
		for _, what := range s.Left {
			left = append(left, s.Version+": "+what)
		}
		production = production || s.Production
	}
	if len(left) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "left_on_server",
			report.Count(len(left), "thing")+" that the test made on your server could not be deleted; delete them: their names begin with "+markPrefix, left))
	}
	if len(f.gaps) > 0 {
		out = append(out, verdict.Because(verdict.Unknown, "server_unread", "not all of your servers could be tested", f.gaps))
	}
	if f.AllowWrites && production {
		out = append(out, verdict.Because(verdict.Review, "ran_on_production", "allow-writes is set: your pipelines ran on a server of the kind production", nil))
	}
	if len(f.written) > 0 {
		out = append(out, verdict.Because(verdict.Review, "artifact_store_written",
			report.Count(len(f.written), "file")+" of your artifact stores changed while artifacts were loaded", f.written[:min(maxWrote, len(f.written))]))
	}
	skew := &Result{Common: report.Common{From: &from, To: &to}, Skew: f.Skew}
	if f.Skew != nil {
		for _, r := range skew.skewReasons() {
			r.Code, r.Text = "own_server_"+r.Code, "on your own servers, "+r.Text
			out = append(out, r)
		}
	}
	return out
}

// section tells what was done on the team's servers.
func (f *ServersFact) section(from, to string) report.Section {
	s := report.Section{Title: "Your own servers", Folded: true}
	t := report.Table{Header: []string{"server", "version", "requests not let through", "left behind"}}
	row := func(name string, fact *ServerFact) {
		if fact.Production {
			name += ", production"
		}
		t.Rows = append(t.Rows, []report.Text{report.T(name), report.T(fact.Version), report.T(list(fact.Refused)), report.T(list(fact.Left))})
	}
	row("old", &f.Old)
	if f.New != nil {
		row("new", f.New)
	}
	words := "Nothing of yours was run, changed or deleted there: requests that would have are stopped on this machine. The own pipeline of the test ran on a stack that it made, and both were deleted."
	if f.AllowWrites {
		words = "allow-writes is set: your pipelines ran there."
	}
	s.Blocks = append(s.Blocks, report.Para{Text: report.T(words)}, t)
	if len(f.Skew) > 0 {
		skew := &Result{Common: report.Common{From: &from, To: &to}, Skew: f.Skew}
		s.Blocks = append(s.Blocks, skew.skewSection().Blocks...)
	}
	return s
}

func list(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
