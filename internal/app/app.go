// Package app is the command line: action name to action, error to exit status. It decodes the
// inputs, runs one action, and gives its result to the writers and to GitHub's runner.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gha"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Main runs the program and returns its exit status (contract).
func Main(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	return With(ctx, Actions(), args, environ, stdout, stderr)
}

// With is Main with the actions of the caller's choice.
func With(ctx context.Context, known []action.Action, args, environ []string, stdout, stderr io.Writer) int {
	return dispatch(ctx, known, process{args: args, environ: environ, stdout: stdout, stderr: stderr})
}

// process is what the program was started with.
type process struct {
	args           []string
	environ        []string // KEY=value
	stdout, stderr io.Writer
}

func (p process) getenv(key string) string {
	return (&action.Runtime{Environ: p.environ}).Getenv(key)
}

// dispatch finds the action: the first argument, or the input action of the root action.yml.
func dispatch(ctx context.Context, known []action.Action, p process) int {
	name, rest := strings.TrimSpace(p.getenv("INPUT_ACTION")), p.args
	if len(p.args) > 0 {
		name, rest = p.args[0], p.args[1:]
	}
	names := make([]string, 0, len(known))
	for _, a := range known {
		names = append(names, a.Name())
	}
	slices.Sort(names)
	switch name {
	case "--help", "-h", "help":
		return usage(p.stdout, known, 0)
	case "--version":
		fmt.Fprintf(p.stdout, "zenml-upgrade %s\n", version.Tool)
		return 0
	case "":
		return usage(p.stderr, known, exitInput)
	}
	for _, a := range known {
		if a.Name() == name {
			p.args = rest
			return perform(ctx, a, p)
		}
	}
	next := "use one of " + strings.Join(names, ", ")
	if near := fault.Near(name, names); near != "" {
		next = fmt.Sprintf("did you mean %s?", near)
	}
	tell(p.stderr, "error", fault.BadInput(fmt.Sprintf("%q is no action", name), next).Error())
	return exitInput
}

// perform runs one action from its arguments to its exit status.
func perform(ctx context.Context, a action.Action, p process) int {
	if slices.ContainsFunc(p.args, func(s string) bool { return s == "--help" || s == "-h" }) {
		return help(p.stdout, a)
	}
	started := time.Now()
	in, err := parse(a, p)
	secrets := newRedactor(in.secrets)
	runner := gha.New(p.getenv, p.stderr) // before redaction: the runner must see what to mask
	for _, s := range in.secrets {
		runner.Mask(s)
	}
	p.stdout, p.stderr = secrets.writer(p.stdout), secrets.writer(p.stderr)
	for _, w := range in.warnings {
		tell(p.stderr, "warning", w)
	}
	set, errSet := decode(in.common, p)
	rt := &action.Runtime{
		Environ: p.environ, Now: time.Now, OutDir: set.outDir, CacheDir: set.cacheDir, Repo: set.repo, Secrets: in.secrets,
	}
	err = errors.Join(err, errSet)
	if c, ok := a.(action.Checker); ok {
		err = distinct(errors.Join(err, guard(func() error { return c.Check(ctx, rt) })))
	}
	o := &outcome{action: a.Name(), rt: rt, set: set, started: started, err: err, secrets: secrets}
	if err == nil {
		o.result, o.err = run(ctx, a, rt, runner, p.stderr)
	}
	o.interrupted = ctx.Err() != nil
	return o.finish(ctx, p, runner)
}

// distinct leaves out what is told already: an input that the action shares with the command line
// is judged by both.
func distinct(err error) error {
	told := map[string]bool{}
	return errors.Join(slices.DeleteFunc(fault.List(err), func(e error) bool {
		again := told[e.Error()]
		told[e.Error()] = true
		return again
	})...)
}

// run lets the action do its work under a progress display.
func run(ctx context.Context, a action.Action, rt *action.Runtime, runner *gha.Runner, stderr io.Writer) (action.Result, error) {
	rt.Progress = progress.New(stderr, isTerminal(stderr))
	defer rt.Progress.Close()
	defer runner.Group("zenml-upgrade " + a.Name())()
	var res action.Result
	err := guard(func() (err error) {
		res, err = a.Run(ctx, rt)
		return err
	})
	return res, err
}

// isTerminal says whether w shows a person what is written.
func isTerminal(w io.Writer) bool {
	if r, ok := w.(*redactingWriter); ok {
		w = r.out
	}
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}
