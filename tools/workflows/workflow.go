package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// all is what is checked together.
type all struct {
	workflows []workflow
	actions   map[string]manifest // by folder below actions; "" is the root's
}

// workflow is a file below .github/workflows, as far as it is checked.
type workflow struct {
	Name        string
	On          map[string]any    `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency *concurrency      `yaml:"concurrency"`
	Jobs        map[string]job    `yaml:"jobs"`

	path string // relative to the root
	text string
}

type concurrency struct {
	Group  string `yaml:"group"`
	Cancel any    `yaml:"cancel-in-progress"`
}

type job struct {
	Name        string            `yaml:"name"`
	Uses        string            `yaml:"uses"`
	With        map[string]any    `yaml:"with"`
	Secrets     any               `yaml:"secrets"`
	RunsOn      any               `yaml:"runs-on"`
	Timeout     any               `yaml:"timeout-minutes"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency *concurrency      `yaml:"concurrency"`
	Outputs     map[string]string `yaml:"outputs"`
	Steps       []step            `yaml:"steps"`
}

type step struct {
	ID   string         `yaml:"id"`
	Uses string         `yaml:"uses"`
	Run  string         `yaml:"run"`
	With map[string]any `yaml:"with"`
	Env  map[string]any `yaml:"env"`
}

// manifest is an action.yml.
type manifest struct {
	Inputs map[string]struct {
		Description string `yaml:"description"`
		Required    bool   `yaml:"required"`
	} `yaml:"inputs"`
	Outputs map[string]any `yaml:"outputs"`
}

// ours is how workflows name this repository.
const ours = "zenml-upgrade/zenml-upgrade"

// load reads the workflows and the actions below root.
func load(root string) (*all, error) {
	a := &all{actions: map[string]manifest{}}
	for _, pattern := range []string{".github/workflows/*.yml", "examples/*/.github/workflows/*.yml"} {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			var w workflow
			if w.text, err = decode(path, &w); err != nil {
				return nil, err
			}
			w.path, _ = filepath.Rel(root, path) // both begin with root
			a.workflows = append(a.workflows, w)
		}
	}
	paths, err := filepath.Glob(filepath.Join(root, "actions", "*", "action.yml"))
	if err != nil {
		return nil, err
	}
	for _, path := range append(paths, filepath.Join(root, "action.yml")) {
		var m manifest
		if _, err := decode(path, &m); err != nil {
			return nil, err
		}
		name := filepath.Base(filepath.Dir(path))
		if filepath.Dir(path) == filepath.Clean(root) {
			name = ""
		}
		a.actions[name] = m
	}
	if len(a.workflows) == 0 {
		return nil, fmt.Errorf("no workflows below %q", root)
	}
	return a, nil
}

func decode(path string, into any) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return "", fmt.Errorf("reading %q: %w", path, err)
	}
	return string(text), nil
}

// shipped says whether others call the workflow.
func (w workflow) shipped() bool { return w.On["workflow_call"] != nil }

// called is what the workflow declares to its callers: inputs, secrets or outputs, and which of the
// inputs are required.
func (w workflow) called(part string) (names, required []string) {
	call, _ := w.On["workflow_call"].(map[string]any)
	entries, _ := call[part].(map[string]any)
	for name, e := range entries {
		names = append(names, name)
		if fields, _ := e.(map[string]any); fields["required"] == true {
			required = append(required, name)
		}
	}
	slices.Sort(names)
	slices.Sort(required)
	return names, required
}

// byFile finds a shipped workflow by what a caller's "uses" says.
func (a *all) byFile(uses string) (workflow, bool) {
	file, ok := strings.CutPrefix(uses, ours+"/")
	file, _, _ = strings.Cut(file, "@")
	i := slices.IndexFunc(a.workflows, func(w workflow) bool { return filepath.ToSlash(w.path) == file })
	if !ok || i < 0 {
		return workflow{}, false
	}
	return a.workflows[i], true
}

// ownAction is the action of this repository that a step runs: by "uses", or the program by name.
func (a *all) ownAction(s step) (name string, m manifest, found bool) {
	switch path, _, _ := strings.Cut(s.Uses, "@"); {
	case path == ours || path == "./":
		m, found = a.actions[""]
	case strings.HasPrefix(path, ours+"/actions/"):
		name = strings.TrimPrefix(path, ours+"/actions/")
		m, found = a.actions[name]
	case strings.HasPrefix(s.Run, "zenml-upgrade "):
		name = strings.Fields(s.Run)[1]
		m, found = a.actions[name]
	default:
		return "", m, false
	}
	if !found {
		name = "(none) " + name
	}
	return name, m, true
}
