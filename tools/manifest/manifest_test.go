package main

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	releasecheck "github.com/zenml-upgrade/zenml-upgrade/actions/release-check"
	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/app"
)

var repository = filepath.Join("..", "..")

// input is what action.yml and the code have to agree on.
type input struct {
	Description string
	Required    bool
	Default     string
}

func TestActionFilesAreWhatTheCodeReads(t *testing.T) {
	t.Parallel()
	manifests, err := load(repository)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]action.Outputter{"release-check": &releasecheck.Result{}}
	files := map[string]map[string]input{}
	for _, m := range manifests {
		files[m.action] = map[string]input{}
		for _, e := range m.Inputs {
			in := input{Description: e.Description, Required: e.Required}
			if e.Default != nil {
				in.Default = *e.Default
			}
			files[m.action][e.name] = in
		}
		var outputs []string
		for _, e := range m.Outputs {
			outputs = append(outputs, e.name)
		}
		code := []string{"decision", "reason-code", "result", "report", "summary"}
		if more, ok := own[m.action]; ok {
			code = slices.AppendSeq(code, maps.Keys(more.Outputs()))
		}
		slices.Sort(code)
		slices.Sort(outputs)
		if d := cmp.Diff(code, outputs); d != "" {
			t.Errorf("outputs of %s: %s", m.action, d)
		}
	}
	code := map[string]map[string]input{}
	for _, a := range app.Actions() {
		k, err := kong.New(a.Inputs(), kong.NoDefaultHelp())
		if err != nil {
			t.Fatal(err)
		}
		code[a.Name()] = map[string]input{}
		for _, f := range k.Model.Flags {
			code[a.Name()][f.Name] = input{Description: f.Help, Required: f.Required, Default: f.Default}
		}
	}
	if d := cmp.Diff(code, files); d != "" {
		t.Errorf("code (-) and action.yml (+): %s", d)
	}
}

func TestGeneratedFilesAreFresh(t *testing.T) {
	t.Parallel()
	if err := run(repository, true, t.Output()); err != nil {
		t.Error(err)
	}
}

const one = `name: one
inputs:
  zeta: {description: Last letter., required: true}
  both: {description: In both., default: "x"}
  own: {description: "Says | one."}
outputs:
  decision: {description: The word.}
`

func TestRunWritesThenAgrees(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const readme = "# one\n<!-- inputs -->\nold\n<!-- /inputs -->\n<!-- outputs -->\n<!-- /outputs -->\nend\n"
	write("actions/one/action.yml", one)
	write("actions/one/README.md", readme)
	write("actions/two/action.yml", strings.ReplaceAll(one, "Says | one.", "Says two."))
	write("actions/two/README.md", readme)
	if err := run(root, true, io.Discard); err == nil {
		t.Error("stale files pass the check")
	}
	if err := run(root, false, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true, io.Discard); err != nil {
		t.Error(err)
	}
	want := map[string]string{
		"actions/one/README.md": "# one\n<!-- inputs -->\n| input | default | what it is |\n| --- | --- | --- |\n| `zeta` | required | Last letter. |\n| `both` | `x` | In both. |\n| `own` |  | Says \\| one. |\n<!-- /inputs -->\n" +
			"<!-- outputs -->\n| output | what it is |\n| --- | --- |\n| `decision` | The word. |\n<!-- /outputs -->\nend\n",
		"action.yml": `# Generated from actions/*/action.yml by tools/manifest; DO NOT EDIT.
name: zenml-upgrade
description: Proves an upgrade of a ZenML server before it happens.
author: zenml-upgrade
branding:
  icon: shield
  color: purple
inputs:
  action:
    description: "What to run: one, two."
    required: true
  zeta:
    description: Last letter.
    required: false
  both:
    description: In both.
    required: false
    default: x
  own:
    description: "one: Says | one. two: Says two."
    required: false
outputs:
  decision:
    description: The word.
runs:
  using: docker
  image: Dockerfile
`}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(text, string(got)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	write("actions/two/action.yml", strings.ReplaceAll(one, `"x"`, `"y"`))
	if err := run(root, false, io.Discard); err == nil || !strings.Contains(err.Error(), `"both" has another default`) {
		t.Errorf("conflicting defaults give %v", err)
	}
	write("actions/two/README.md", "# two\n")
	write("actions/two/action.yml", one)
	if err := run(root, false, io.Discard); err == nil || !strings.Contains(err.Error(), "has no <!-- inputs -->") {
		t.Errorf("a README without marks gives %v", err)
	}
}
