package act

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// own is how workflows name this repository.
const own = "zenml-upgrade/zenml-upgrade"

//go:embed standins
var standins embed.FS

// uses are the actions and workflows that YAML text uses from elsewhere.
var uses = regexp.MustCompile(`(?m)^\s*(?:-\s+)?uses:\s+([\w.-]+/[\w.-]+)((?:/[\w./-]+)?)@([\w.-]+)`)

// repositories maps every repository at a ref that a caller's workflow uses, itself or through the suite's
// workflows, to a folder, as --local-repository takes it. checkout is missing: act does that itself.
func repositories(tb testing.TB, dir, caller string) (local map[string]string, stoodIn []string) {
	tb.Helper()
	suite := filepath.Join(dir, "suite")
	host(tb, suite)
	local = map[string]string{}
	for todo := []string{caller}; len(todo) > 0; todo = todo[1:] {
		text, err := os.ReadFile(todo[0])
		if err != nil {
			tb.Fatal(err)
		}
		for _, m := range uses.FindAllStringSubmatch(string(text), -1) {
			name, path, ref := m[1], m[2], m[3]
			folder := filepath.Join(dir, filepath.Base(name))
			switch {
			case name == "actions/checkout":
				continue
			case name == own:
				folder = suite
				if strings.HasPrefix(path, "/.github/") {
					todo = append(todo, filepath.Join(suite, filepath.FromSlash(path)))
				}
			case !standsIn(name):
				tb.Fatalf("act: %s uses %s, for which there is no stand-in", filepath.Base(todo[0]), name)
			case !slices.Contains(stoodIn, name):
				stoodIn = append(stoodIn, name)
				unpack(tb, name, folder)
			}
			local[name+"@"+ref] = folder
		}
	}
	return local, append(stoodIn, "our actions' containers")
}

func standsIn(name string) bool {
	_, err := fs.Stat(standins, "standins/"+filepath.Base(name))
	return err == nil && strings.HasPrefix(name, "actions/")
}

func unpack(tb testing.TB, name, to string) {
	tb.Helper()
	from, err := fs.Sub(standins, "standins/"+filepath.Base(name))
	if err == nil {
		err = os.CopyFS(to, from)
	}
	if err != nil {
		tb.Fatalf("act: writing the stand-in for %s: %v", name, err)
	}
}

// host writes the suite as a runner without containers can use it: the shipped workflows, and
// each action with its own inputs and outputs, whose step runs the program that is on PATH instead of the
// image. Where a container engine is, the checkout itself takes its place.
func host(tb testing.TB, to string) {
	tb.Helper()
	root := machine.Root(tb)
	copyFile := func(name string, change func([]byte) ([]byte, error)) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			text, err = change(text)
		}
		path := filepath.Join(to, name)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o750)); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			tb.Fatalf("act: %s: %v", name, err)
		}
	}
	for _, pattern := range []string{".github/workflows/*.yml", "action.yml", "actions/*/action.yml"} {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			tb.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(root, path)
			if err != nil {
				tb.Fatal(err)
			}
			change := hostForm
			if strings.HasPrefix(pattern, ".github") {
				change = known
			}
			copyFile(name, change)
		}
	}
}

// noDeployment is a key that act refuses. What it says is GitHub's affair: act makes no deployments.
var noDeployment = regexp.MustCompile(`(?m)^ +deployment: false.*\n`)

// known is a workflow without what act does not know.
func known(text []byte) ([]byte, error) { return noDeployment.ReplaceAll(text, nil), nil }

// hostForm is an action.yml whose runs is composite instead of docker.
func hostForm(text []byte) ([]byte, error) {
	var action struct {
		Name        string         `yaml:"name"`
		Description string         `yaml:"description"`
		Inputs      map[string]any `yaml:"inputs"`
		Outputs     map[string]struct {
			Description string `yaml:"description"`
			Value       string `yaml:"value"`
		} `yaml:"outputs"`
		Runs struct {
			Using string   `yaml:"using"`
			Args  []string `yaml:"args"`
		} `yaml:"runs"`
	}
	if err := yaml.Unmarshal(text, &action); err != nil {
		return nil, err
	}
	if action.Runs.Using != "docker" {
		return nil, fmt.Errorf("it runs with %q, not in a container", action.Runs.Using)
	}
	env := map[string]string{}
	for name := range action.Inputs {
		env["ZENML_UPGRADE_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = "${{ inputs." + name + " }}"
	}
	if _, ok := action.Inputs["action"]; ok { // of the root action, whose image gets no argument
		env["INPUT_ACTION"] = "${{ inputs.action }}"
	}
	for name, out := range action.Outputs {
		out.Value = "${{ steps.run.outputs." + name + " }}"
		action.Outputs[name] = out
	}
	step := map[string]any{"id": "run", "shell": "sh", "run": strings.Join(append([]string{"exec zenml-upgrade"}, action.Runs.Args...), " "), "env": env}
	return yaml.Marshal(map[string]any{
		"name": action.Name, "description": action.Description, "inputs": action.Inputs, "outputs": action.Outputs,
		"runs": map[string]any{"using": "composite", "steps": []any{step}},
	})
}
