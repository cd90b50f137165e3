// Package scale writes repositories and release notes of the size that large teams have.
package scale

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Size is how large a repository is made.
type Size struct {
	Projects int
	Files    int  // Python files in all
	OwnPins  bool // every project has requirements that no other has: each is a question of its own to the resolver
}

// Repository copies the example once for each project below services/, and adds Python files that use
// ZenML until there are as many as asked for. Every project is named in the configuration. The last
// file that is added breaks with ZenML 0.98.0 in one place.
func Repository(t testing.TB, example string, size Size) string {
	t.Helper()
	root := t.TempDir()
	var cfg strings.Builder
	cfg.WriteString("projects:\n")
	python := 0
	for i := range size.Projects {
		name := fmt.Sprintf("services/p%02d", i)
		python += copied(t, example, filepath.Join(root, name))
		fmt.Fprintf(&cfg, "  - path: %s\n    python-versions: [\"3.11\"]\n", name)
		if size.OwnPins {
			put(t, filepath.Join(root, name, "requirements.txt"), fmt.Sprintf("zenml[server]==0.85.0\nnumpy==2.2.6\npandas==2.2.3\nsix>=1.0,!=1.%d\n", 100+i))
		}
	}
	put(t, filepath.Join(root, ".github", "zenml-upgrade.yml"), cfg.String())
	for i := range size.Files - python {
		text := fmt.Sprintf(module, i)
		if i == size.Files-python-1 {
			text += "\n\ndef old() -> object:\n    return Client().list_event_sources()\n"
		}
		put(t, filepath.Join(root, fmt.Sprintf("services/p%02d", i%size.Projects), "more", fmt.Sprintf("module_%04d.py", i)), text)
	}
	return root
}

const module = `"""A part of a pipeline."""
from typing import Annotated, Any

from zenml import pipeline, step
from zenml.client import Client


@step
def load_%[1]d(limit: int = %[1]d) -> Annotated[list[int], "rows"]:
    return list(range(limit))


@step
def score_%[1]d(rows: list[int]) -> Annotated[float, "score"]:
    total: float = 0.0
    for row in rows:
        total += row * %[1]d
    return total


@pipeline(enable_cache=False)
def run_%[1]d() -> None:
    score_%[1]d(load_%[1]d())


def last_%[1]d() -> Any:
    client = Client()
    runs = client.list_pipeline_runs(size=1)
    return [run.name for run in runs.items]
`

func copied(t testing.TB, from, to string) (python int) {
	t.Helper()
	root := os.DirFS(from)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && strings.HasPrefix(d.Name(), ".") && name != "." {
				return fs.SkipDir // the configuration is written for all projects
			}
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".py" {
			python++
		}
		put(t, filepath.Join(to, filepath.FromSlash(name)), string(data))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return python
}

func put(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Notes writes the notes of 105 releases, 0.84.0 to 0.98.6, in the forms of the three eras, and
// returns the file.
func Notes(t testing.TB) string {
	t.Helper()
	type body struct {
		Tag       string  `json:"tag_name"`
		Published string  `json:"published_at"`
		URL       *string `json:"html_url"`
		Body      string  `json:"body"`
	}
	var list []body
	for minor := 98; minor > 83; minor-- {
		for patch := 6; patch >= 0; patch-- {
			v := fmt.Sprintf("0.%d.%d", minor, patch)
			list = append(list, body{Tag: v, Published: "2026-01-02T00:00:00Z", Body: notes(v, minor)})
		}
	}
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "releases.json")
	put(t, file, string(data))
	return file
}

func notes(v string, minor int) string {
	breaking := fmt.Sprintf("- The setting `old_switch_%d` was removed, use `new_switch_%d`.\n", minor, minor)
	var changed strings.Builder
	changed.WriteString("## What's Changed\n")
	for i := range 40 {
		fmt.Fprintf(&changed, "* Mend the list of things %d by @somebody in https://github.com/zenml-io/zenml/pull/%d%02d\n", i, minor, i)
	}
	feature := "### Things in order\n\nThings are kept in the order in which they came, and `things_in_order` says so.\n\n"
	switch {
	case minor <= 85:
		return "## ⚠️ Breaking Changes\n\n" + breaking + "\n" + feature + changed.String()
	case minor <= 92:
		return feature + "### Breaking Changes\n\n" + breaking
	}
	return fmt.Sprintf("<!-- ZENML_GITBOOK_RELEASE_NOTES_START tag=%s -->\n### Breaking Changes\n\n%s\n%s<!-- ZENML_GITBOOK_RELEASE_NOTES_END tag=%s -->\n\n%s", v, breaking, feature, v, changed.String())
}
