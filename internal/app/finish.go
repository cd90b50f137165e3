package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// The exit statuses (contract).
const (
	exitDone        = 0
	exitBlocked     = 1
	exitInput       = 2
	exitNoVerdict   = 3
	exitFailed      = 4 // rolled back or frozen
	exitNotBack     = 5 // the rollback failed
	exitInterrupted = 6
)

// outcome is how a run ended.
type outcome struct {
	action      string
	rt          *action.Runtime
	set         settings
	started     time.Time
	result      action.Result // nil when none could be formed
	err         error
	interrupted bool
	secrets     *redactor
	notes       []string // what was not shown where it should be
	checked     bool     // a check run has the annotations
}

// finish completes the result, writes it everywhere and returns the exit status.
func (o *outcome) finish(ctx context.Context, p process, runner *gha.Runner) int {
	code := o.exit()
	if o.result == nil || reflect.ValueOf(o.result).IsNil() {
		o.result = &report.Failure{Common: report.Common{ReasonCode: reasonOf(code)}}
	}
	o.complete(o.result.Head())
	if head := o.result.Head(); head.RepositoryPath == "" {
		head.RepositoryPath = folder(runner, o.set.repo)
	}
	o.track(ctx, runner)
	errShown := o.show(ctx, runner, code)
	for _, n := range o.notes {
		tell(p.stderr, "note", n)
	}
	if use := o.result.Head().GitHub; use.Requests > 0 {
		tell(p.stderr, "note", fmt.Sprintf("GitHub was sent %s, of which %d to write", report.Count(use.Requests, "request"), use.Writes))
	}
	files, errWrite := o.write()
	errTold := errors.Join(errShown, o.print(p, files, code), o.publish(runner, files))
	if p.getenv("GITHUB_WORKSPACE") == containerWorkspace {
		if err := handOver(o.set.outDir, containerWorkspace); err != nil { // the verdict is delivered all the same
			tell(p.stderr, "note", err.Error())
		}
	}
	for _, e := range fault.List(errors.Join(o.err, errWrite, errTold)) {
		tell(p.stderr, "error", e.Error())
	}
	if (errWrite != nil || errTold != nil) && code == exitDone {
		return exitNoVerdict // a verdict that was not delivered must not let a merge pass
	}
	return code
}

func reasonOf(code int) string {
	switch code {
	case exitInput:
		return "bad_input"
	case exitInterrupted:
		return "interrupted"
	}
	return "no_verdict"
}

// exit returns the exit status. What happened to a server counts before the decision, and an
// error never ends as done.
func (o *outcome) exit() int {
	hasResult := o.result != nil && !reflect.ValueOf(o.result).IsNil()
	if w, ok := o.result.(action.Outcome); ok && hasResult {
		switch w.OutcomeWord() {
		case "rolled_back", "frozen":
			return exitFailed
		case "rollback_failed":
			return exitNotBack
		case "interrupted":
			return exitInterrupted
		case "published":
			if o.err == nil {
				return exitDone // the verdict is told by the run that formed it
			}
		case "refused":
			if !fault.IsInput(o.err) {
				return exitBlocked
			}
		}
	}
	switch {
	case o.interrupted && (!hasResult || o.err != nil), errors.Is(o.err, context.Canceled):
		return exitInterrupted
	case fault.IsInput(o.err):
		return exitInput
	case !hasResult:
		return exitNoVerdict
	}
	switch d := o.result.Head().Decision; {
	case !d.Known():
		return exitNoVerdict
	case o.err != nil && d != verdict.Block:
		return exitNoVerdict
	case slices.Contains(o.set.failOn, d):
		return exitBlocked
	case o.err != nil:
		return exitNoVerdict
	}
	return exitDone
}

// complete fills what is the same for all actions. A decision that is none of the four words is
// unknown.
func (o *outcome) complete(c *report.Common) {
	c.Schema = "zenml-upgrade/" + o.action + "/v1"
	c.StartedAt = o.started.UTC().Truncate(time.Millisecond)
	c.Seconds = time.Since(o.started).Round(time.Millisecond).Seconds()
	c.ToolVersion = version.Tool
	if !c.Decision.Known() {
		c.Decision = verdict.Unknown
	}
	if c.ReasonCode == "" {
		c.ReasonCode = "no_verdict"
	}
	if c.Reasons == nil {
		c.Reasons = []verdict.Reason{}
	}
	for i := range c.Reasons {
		if c.Reasons[i].Evidence == nil {
			c.Reasons[i].Evidence = []string{}
		}
	}
	if c.Errors == nil {
		c.Errors = []string{}
	}
	for _, e := range fault.List(o.err) {
		c.Errors = append(c.Errors, e.Error())
	}
}

// written is a finished result in every format.
type written struct {
	json     []byte
	document report.Document // redacted
	result   string          // path of result.json, empty when it could not be written
	report   string          // path of report.html, likewise
}

// write encodes the result and puts it into the output folder.
func (o *outcome) write() (*written, error) {
	var faults []error
	w := &written{document: o.document()}
	var text bytes.Buffer
	if err := report.WriteJSON(&text, o.result); err != nil {
		faults = append(faults, err)
	}
	w.json = o.secrets.json(text.Bytes())
	if o.set.outDir == "" {
		return w, errors.Join(faults...)
	}
	put := func(name string, encode func(b *bytes.Buffer) error) string {
		var b bytes.Buffer
		path := filepath.Join(o.set.outDir, name)
		err := encode(&b)
		if err == nil {
			err = atomicfile.Write(path, b.Bytes())
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("writing %q: %w", path, err))
			return ""
		}
		return path
	}
	if len(faults) == 0 {
		w.result = put("result.json", func(b *bytes.Buffer) error { _, err := b.Write(w.json); return err })
	}
	w.report = put("report.html", func(b *bytes.Buffer) error { return report.HTML(b, w.document) })
	put("report.md", func(b *bytes.Buffer) error { return report.Markdown(b, w.document, report.CommentLimit) })
	if more, ok := o.result.(action.Filer); ok {
		files, err := more.Files()
		for name, text := range files {
			put(name, func(b *bytes.Buffer) error { _, err := b.WriteString(o.secrets.text(string(text))); return err })
		}
		faults = append(faults, err)
	}
	return w, errors.Join(faults...)
}
