package compat

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

const (
	pipelineTimeout = 10 * time.Minute
	longTimeout     = time.Hour // for pipelines marked long
)

// pipeline is a pipeline of the repository, its command split.
type pipeline struct {
	config.Pipeline
	words   []string
	timeout time.Duration
	env     []string // KEY=value: what the configuration passes to it
	hidden  []string // values of its secrets
	skip    string   // why it is not run, "" when it is
}

func (p *pipeline) check() string { return "pipeline:" + p.Name }

// newPipeline splits the command as a shell would, without being one: the words of a
// configuration are never given to a shell.
func newPipeline(c config.Pipeline, o *Options) (*pipeline, error) {
	p := &pipeline{Pipeline: c, timeout: pipelineTimeout}
	switch {
	case c.Marker == "skip":
		p.skip = "the configuration marks it skip"
		return p, nil // it may have no command
	case c.Marker == "long" && !o.Named:
		p.skip = "the configuration marks it long: name it in pipelines to run it"
	case len(c.Secrets) > 0 && o.Untrusted:
		p.skip = "it needs secrets, which a pull request of a fork or a bot does not get"
	}
	if c.Marker == "long" {
		p.timeout = longTimeout
	}
	if c.Timeout != "" {
		d, err := time.ParseDuration(c.Timeout)
		if err != nil || d <= 0 {
			return nil, fault.BadInput(fmt.Sprintf("pipeline %q: %q is not a duration", c.Name, c.Timeout), "write it as 10m or 1h30m")
		}
		p.timeout = d
	}
	words, err := split(c.Command)
	if err != nil {
		return nil, fault.BadInput(fmt.Sprintf("pipeline %q: command %q %v", c.Name, c.Command, err), "put what needs a shell into a script and name that")
	}
	p.words = words
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		p.env = append(p.env, name+"="+c.Environment[name])
	}
	return p, p.addSecrets(o)
}

func (p *pipeline) addSecrets(o *Options) error {
	var faults []error
	for _, name := range p.Secrets {
		value := proc.Getenv(o.Environ, name)
		if value == "" && p.skip == "" {
			faults = append(faults, fault.BadInput(fmt.Sprintf("pipeline %q asks for the secret %s, which is not set", p.Name, name),
				"set it under env of the workflow's step"))
		}
		p.env, p.hidden = append(p.env, name+"="+value), append(p.hidden, value)
	}
	return errors.Join(faults...)
}

// split takes a command apart at blanks; single and double quotes keep words together.
func split(command string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	open := false
	for _, r := range command {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == ' ' || r == '\t':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		case strings.ContainsRune("|&;<>$`\\*?()\n", r):
			return nil, fmt.Errorf("holds %q, which only a shell understands", r)
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("has a quote that does not end")
	}
	if open {
		words = append(words, word.String())
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("is empty")
	}
	return words, nil
}

// runPipeline runs a pipeline of the repository; one that fails is run once more, to tell whether it
// is steady: a pass then does not count as one.
func (w *world) runPipeline(ctx context.Context, p *pipeline) (Attempt, []Deprecated) {
	first, old := w.pipelineOnce(ctx, p, "")
	if first.Status != Failed || ctx.Err() != nil {
		return first, old
	}
	again, _ := w.pipelineOnce(ctx, p, "-again")
	return repeated(first, again), old
}

// pipelineOnce runs a pipeline in a copy of the repository of its own.
func (w *world) pipelineOnce(ctx context.Context, p *pipeline, again string) (Attempt, []Deprecated) {
	before, err := w.runs(ctx, p.Name)
	if err != nil {
		return w.failed(nil, fmt.Sprintf("the server does not list runs: %v", err)), nil
	}
	place, err := w.place(p, again)
	if err != nil {
		return w.failed(nil, err.Error()), nil
	}
	defer place.remove()
	cmd, err := w.command(p, place)
	if err != nil {
		return failure(nil, err.Error()), nil
	}
	cmd.Timeout, cmd.Log, cmd.MaxLog, cmd.Secrets = p.timeout, place.log, maxLog, slices.Concat(cmd.Secrets, p.hidden, w.secrets)
	res, err := proc.Run(ctx, cmd)
	proc.KillMarked(place.mark)
	old := place.deprecations(p.check())
	at := place.finish(&res)
	if err != nil {
		return at.with(w.failed(&res.Seconds, err.Error())), old
	}
	after, err := w.runs(ctx, p.Name)
	if err != nil {
		return at.with(w.failed(&res.Seconds, fmt.Sprintf("the server does not list runs: %v", err))), old
	}
	end := outcome(p.Name, before, after, res.Seconds)
	if end.Status == Failed {
		end = w.failed(end.Seconds, *end.Detail)
	}
	return at.with(end), old
}

// command is what runs a pipeline. The world's own variables come last: no configuration leads a pipeline
// to another server.
func (w *world) command(p *pipeline, place *place) (proc.Command, error) {
	if w.instead != nil {
		own := append(slices.Clone(p.env), "ZENML_UPGRADE_PIPELINE="+p.Name, "ZENML_UPGRADE_COMMAND="+p.Command, "ZENML_STORE_TYPE=rest", place.mark)
		return w.instead(w.version, append(own, w.way()...)...), nil
	}
	path, err := w.executable(place.dir, p.words[0])
	if err != nil {
		return proc.Command{}, err
	}
	env := append(slices.Clone(p.env), w.env(place.env(w, p.env)...)...)
	return proc.Command{Path: path, Args: p.words[1:], Dir: place.dir, Env: env}, nil
}

// outcome judges a command that ended with 0 by what the server says of its runs.
func outcome(name string, before, after map[string]string, seconds float64) Attempt {
	fresh := 0
	for id, status := range after {
		if _, ok := before[id]; ok {
			continue
		}
		fresh++
		if status != "completed" && status != "cached" {
			return failure(&seconds, fmt.Sprintf("the command ended with 0, but the server says its run is %s", status))
		}
	}
	if fresh == 0 {
		at := skip(fmt.Sprintf("the command ended with 0 but left no run of a pipeline named %q on the server, so nothing was tested", name))
		at.Seconds = &seconds
		return at
	}
	return Attempt{Status: Passed, Seconds: &seconds}
}

// runs returns the states of a pipeline's runs, by id.
func (w *world) runs(ctx context.Context, name string) (map[string]string, error) {
	items, err := w.api.List(ctx, "/runs", url.Values{"pipeline_name": {name}})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, item := range items {
		id, _ := item["id"].(string)
		body, _ := item["body"].(map[string]any)
		status, _ := body["status"].(string)
		out[id] = status
	}
	return out, nil
}

// executable finds a command's program: in the environment, then on PATH, or below the repository.
func (w *world) executable(dir, word string) (string, error) {
	if strings.Contains(word, "/") {
		if path := filepath.Join(dir, word); filepath.IsLocal(word) && proc.Exists(path) {
			return path, nil
		}
		return "", fmt.Errorf("%q is not an executable file of the repository", word)
	}
	for _, folder := range filepath.SplitList(w.path()) {
		if path := filepath.Join(folder, word); filepath.IsAbs(path) && proc.Exists(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("the program %q was found neither in the test environment nor on PATH", word)
}
