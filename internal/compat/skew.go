package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

const visitTimeout = 3 * time.Minute

// visit asks what this world's client can do on a world's server: on another's, with the
// configuration that the client had on its own. calls are those to try, all when there are none.
func (w *world) visit(ctx context.Context, on *world, calls ...string) ([]Skew, error) {
	visitor := &world{
		name: w.name, version: w.version, dir: w.dir + "-on-" + on.name, repo: w.repo, suite: w.suite, stores: w.stores,
		password: on.password, environ: w.environ, secrets: w.secrets, client: w.client, server: on.server,
	}
	if err := visitor.folders(); err != nil {
		return nil, err
	}
	// The new client comes fresh to each server; its own world may be at work, and writing there.
	own := filepath.Join(w.dir, "config")
	if _, err := os.Stat(own); err == nil && w.name == oldName {
		err = os.CopyFS(filepath.Join(visitor.dir, "config"), os.DirFS(own))
		if err != nil && !errors.Is(err, fs.ErrExist) { // it visited before
			return nil, fmt.Errorf("copying a client's configuration: %w", err)
		}
	}
	var out []Skew
	err := visitor.ask(ctx, visitTimeout, func(line []byte) {
		var row Skew
		if json.Unmarshal(line, &row) == nil && row.Call != "" && (row.Status == Passed || row.Status == Failed) {
			row.Client, row.Server, row.Detail = w.version, on.version, cleaned(row.Detail)
			out = append(out, row)
		}
	}, "zu_probe.py", calls...)
	if why := on.broken(); why != "" {
		err = errors.New(why)
	}
	if len(out) == 0 && err == nil {
		err = errors.New("the probe answered nothing")
	}
	return out, err
}

// visitOld measures what the new client can do on the old server, and the old one on its own: what
// fails there too is no matter of versions.
func (t *test) visitOld(ctx context.Context) {
	var err error
	if t.control, err = t.old.visit(ctx, t.old); err == nil {
		t.early, err = t.new.visit(ctx, t.old)
	}
	if err != nil {
		t.skewGap = clean(err.Error())
	}
}

// visitNew measures what the old client can do on the new server, and joins all.
func (t *test) visitNew(ctx context.Context) {
	late, err := t.old.visit(ctx, t.new)
	<-t.visited // both may be under way at once
	failed := failedCalls(t.early)
	var control []Skew
	if err == nil && len(failed) > 0 {
		control, err = t.new.visit(ctx, t.new, failed...)
	}
	if err != nil {
		t.skewGap = clean(err.Error())
	}
	if t.skewGap == "" {
		t.res.Skew = append(judged(late, t.control), judged(t.early, control)...)
	}
}

func failedCalls(rows []Skew) []string {
	var out []string
	for _, r := range rows {
		if r.Status == Failed {
			out = append(out, r.Call)
		}
	}
	return out
}

// judged marks the calls as skipped that fail on a server of the client's own version too.
func judged(rows, control []Skew) []Skew {
	fails := failedCalls(control)
	out := slices.Clone(rows)
	for i, r := range out {
		if r.Status == Failed && slices.Contains(fails, r.Call) {
			detail := "fails on a server of the client's own version too: " + value(r.Detail)
			out[i].Status, out[i].Detail = Skipped, &detail
		}
	}
	return out
}

// skewReasons says in which order clients and server can be upgraded.
func (r *Result) skewReasons() []verdict.Reason {
	if r.Skew == nil {
		return []verdict.Reason{verdict.Because(verdict.Review, "skew_not_measured",
			"whether clients of one version work on a server of the other could not be measured", nil)}
	}
	var out []verdict.Reason
	old, early := r.skewOf(*r.From), r.skewOf(*r.To)
	if calls := failedCalls(old); len(calls) > 0 {
		advice := "upgrade clients together with the server"
		if len(failedCalls(early)) == 0 {
			advice = "upgrade clients before the server or together with it"
		}
		out = append(out, verdict.Because(verdict.Review, "old_clients_break",
			fmt.Sprintf("clients of %s fail in %d of %d calls on a server of %s: %s", *r.From, len(calls), len(old), *r.To, advice), calls))
	}
	if calls := failedCalls(early); len(calls) > 0 {
		advice := "upgrade no client before the server"
		if len(failedCalls(old)) > 0 {
			advice = "upgrade them together"
		}
		out = append(out, verdict.Because(verdict.Review, "new_clients_break",
			fmt.Sprintf("clients of %s fail in %d of %d calls on a server of %s: %s", *r.To, len(calls), len(early), *r.From, advice), calls))
	}
	return out
}

// skewOf returns the rows of the clients of one version.
func (r *Result) skewOf(client string) []Skew {
	return slices.DeleteFunc(slices.Clone(r.Skew), func(s Skew) bool { return s.Client != client })
}

// skewSection is the table of what each client can do on the other version's server.
func (r *Result) skewSection() report.Section {
	t := report.Table{Header: []string{"call", fmt.Sprintf("client %s on server %s", *r.From, *r.To), fmt.Sprintf("client %s on server %s", *r.To, *r.From)}}
	early := r.skewOf(*r.To)
	for _, s := range r.skewOf(*r.From) {
		other := report.T("not measured")
		if i := slices.IndexFunc(early, func(e Skew) bool { return e.Call == s.Call }); i >= 0 {
			other = skewCell(early[i])
		}
		t.Rows = append(t.Rows, []report.Text{report.C(s.Call), skewCell(s), other})
	}
	return report.Section{Title: "Clients and servers of different versions", Folded: true, Blocks: []report.Block{t}}
}

func skewCell(s Skew) report.Text {
	text := report.Text{{Plain: string(s.Status), Bold: s.Status == Failed}}
	if s.Detail != nil {
		first := []rune(*s.Detail)
		text = append(text, report.Span{Plain: ": "}, report.Span{Code: string(first[:min(160, len(first))])})
	}
	return text
}
