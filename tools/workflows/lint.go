package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
)

var (
	usesLine    = regexp.MustCompile(`^\s*(?:- )?uses: (\S+)(.*)$`)
	byCommit    = regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40}$`)
	versionNote = regexp.MustCompile(`^ # v\d+\.\d+\.\d+$`)
	scopeLine   = regexp.MustCompile(`^\s+[a-z-]+: (?:read|write)(.*)$`)
	reason      = regexp.MustCompile(`^ # \S.{3,}`)
	stepOutput  = regexp.MustCompile(`steps\.([\w-]+)\.outputs\.([\w-]+)`)
)

// uploads are the files that a workflow may upload: none of them can hold a backup.
var uploads = []string{"result.json", "report.html", "report.md", "junit.xml", "api-changes.json"}

// lint returns what is against the rules.
func lint(a *all) []error {
	var faults []error
	for _, w := range a.workflows {
		bad := func(format string, args ...any) {
			faults = append(faults, fmt.Errorf("%s: %s", w.path, fmt.Sprintf(format, args...)))
		}
		if w.Permissions == nil || len(w.Permissions) > 0 {
			bad("permissions: {} does not stand at the top")
		}
		w.lines(bad)
		w.triggers(bad)
		for _, id := range sorted(w.Jobs) {
			j := w.Jobs[id]
			w.job(id, j, bad)
			a.caller(id, j, bad)
			for _, s := range j.Steps {
				a.step(id, j, s, bad)
			}
		}
	}
	return append(faults, a.modes()...)
}

// lines are the rules about how a line is written: YAML alone knows no comments.
func (w workflow) lines(bad func(string, ...any)) {
	for i, line := range strings.Split(w.text, "\n") {
		if m := usesLine.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[1], "./") {
			own := strings.HasPrefix(m[1], ours+"/") || strings.HasPrefix(m[1], ours+"@")
			switch {
			case own && !strings.HasSuffix(m[1], "@v1"): // the release replaces the tag
				bad("line %d: our own is used by the tag v1", i+1)
			case !own && (!byCommit.MatchString(m[1]) || !versionNote.MatchString(m[2])):
				bad("line %d: %s is not pinned by a commit with its version behind it", i+1, m[1])
			}
		}
		if m := scopeLine.FindStringSubmatch(line); m != nil && !reason.MatchString(m[1]) {
			bad("line %d: a permission without its reason", i+1)
		}
	}
}

// triggers are the rules about when a workflow starts: a required job that does not start is waited for.
func (w workflow) triggers(bad func(string, ...any)) {
	for _, event := range sorted(w.On) {
		fields, _ := w.On[event].(map[string]any)
		for _, filter := range []string{"paths", "paths-ignore"} {
			if fields[filter] != nil {
				bad("on.%s has %s", event, filter)
			}
		}
	}
	if w.shipped() && w.Concurrency != nil {
		bad("a called workflow has concurrency for its jobs: of the caller's group it would wait for itself")
	}
}

func (w workflow) job(id string, j job, bad func(string, ...any)) {
	if j.Permissions == nil {
		bad("job %s says no permissions", id)
	}
	if j.Uses != "" {
		return
	}
	if j.Timeout == nil {
		bad("job %s has no timeout-minutes", id)
	}
	if c := j.Concurrency; c != nil && c.Cancel != false {
		bad("job %s: cancel-in-progress is not false", id)
	}
}

// step are the rules about what a step uploads and about what it gives to our own actions.
func (a *all) step(id string, j job, s step, bad func(string, ...any)) {
	if strings.HasPrefix(s.Uses, "actions/upload-artifact@") {
		for _, file := range strings.Fields(fmt.Sprint(s.With["path"])) {
			if !slices.Contains(uploads, path.Base(file)) {
				bad("job %s uploads %q: files are uploaded by name, of %s", id, file, strings.Join(uploads, ", "))
			}
		}
	}
	name, m, ok := a.ownAction(s)
	if !ok {
		return
	}
	given := s.With
	if s.Run != "" {
		given = map[string]any{}
		for key, v := range s.Env {
			if input, ok := strings.CutPrefix(key, "ZENML_UPGRADE_"); ok {
				given[strings.ToLower(strings.ReplaceAll(input, "_", "-"))] = v
			}
		}
	}
	for _, input := range sorted(given) {
		if _, ok := m.Inputs[input]; !ok {
			bad("job %s gives %s an input %q, which it does not have", id, name, input)
		}
	}
	for _, text := range j.Outputs {
		for _, ref := range stepOutput.FindAllStringSubmatch(text, -1) {
			if _, ok := m.Outputs[ref[2]]; ref[1] == s.ID && !ok {
				bad("job %s reads the output %q of %s, which it does not have", id, ref[2], name)
			}
		}
	}
}

// caller holds a job that calls one of our workflows to what that declares, and to what its jobs may: GitHub
// starts nothing when a called job wants more than its caller has.
func (a *all) caller(id string, j job, bad func(string, ...any)) {
	if !strings.HasPrefix(j.Uses, ours+"/") {
		return
	}
	w, ok := a.byFile(j.Uses)
	if !ok {
		bad("job %s calls %s, which is not there", id, j.Uses)
		return
	}
	secrets, _ := j.Secrets.(map[string]any)
	for part, given := range map[string][]string{"inputs": sorted(j.With), "secrets": sorted(secrets)} {
		names, required := w.called(part)
		for _, name := range given {
			if !slices.Contains(names, name) {
				bad("job %s gives %s %q, which is none of its %s", id, w.path, name, part)
			}
		}
		for _, name := range required {
			if !slices.Contains(given, name) {
				bad("job %s does not give %q, which %s requires", id, name, w.path)
			}
		}
	}
	for _, callee := range w.Jobs {
		for scope, level := range callee.Permissions {
			if has := j.Permissions[scope]; has != level && has != "write" {
				bad("job %s has not the permission %s: %s, which %s needs", id, scope, level, w.path)
			}
		}
	}
}

// modes holds the modes that people choose from to those that are built.
func (a *all) modes() []error {
	said := a.actions["staging-upgrade"].Inputs["mode"].Description
	var built []string
	for _, mode := range []string{"plan", "backup", "rehearse", "upgrade", "rollback", "verify"} {
		if regexp.MustCompile(`\b` + mode + ` \w`).MatchString(said) {
			built = append(built, mode)
		}
	}
	var faults []error
	for _, w := range a.workflows {
		start, _ := w.On["workflow_dispatch"].(map[string]any)
		inputs, _ := start["inputs"].(map[string]any)
		mode, _ := inputs["mode"].(map[string]any)
		if mode == nil {
			continue
		}
		if got := fmt.Sprint(mode["options"]); got != fmt.Sprint(built) {
			faults = append(faults, fmt.Errorf("%s: mode offers %s, staging-upgrade has %v", w.path, got, built))
		}
	}
	return faults
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
