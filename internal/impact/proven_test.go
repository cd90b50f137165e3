package impact

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the new version has taken away or newly calls deprecated is told apart, without types too, and
// what it never reaches is not told at all.
func TestProvenWithoutTypes(t *testing.T) {
	t.Parallel()
	k := known(t, tree(t, map[string]string{
		"requirements.txt": "zenml[server]==0.85.0\n",
		"a.py": "import zenml\nfrom zenml.client import Client\nfrom zenml.stack import Stack\n\n\ndef f(anything):\n    c = Client()\n    c.list_event_sources()\n    c.list_pipeline_runs()\n" +
			"    anything.list_event_sources()\n    if zenml.__version__ < '0.90':\n        c.list_triggers()\n    Stack.from_components(None, 'a', {})\n    zenml.log_artifact_metadata({})\n",
		"b.py":   "try:\n    from zenml.actions.base_action import BaseActionHandler\nexcept ImportError:\n    BaseActionHandler = None\n",
		"run.sh": "zenml pipeline create-run-template a\nzenml pipeline list\nzenml up\n",
	}), false)
	broken, deprecated := k.Proven("0.85.0", "0.98.0")
	told := func(list []Breakage) []string {
		var out []string
		for _, b := range list {
			out = append(out, fmt.Sprintf("%s:%d %s", b.File, b.Line, b.Message))
		}
		return out
	}
	if d := cmp.Diff([]string{"a.py:8 ZenML 0.85.0 has `zenml.client.Client.list_event_sources`, ZenML 0.98.0 has not"}, told(broken)); d != "" {
		t.Errorf("broken (-want +got):\n%s", d)
	}
	want := []string{
		"a.py:13 ZenML 0.98.0 calls `zenml.stack.stack.Stack.from_components` deprecated",
		"run.sh:1 ZenML 0.98.0 calls `zenml pipeline create-run-template` deprecated",
	}
	if d := cmp.Diff(want, told(deprecated)); d != "" {
		t.Errorf("deprecated (-want +got):\n%s", d)
	}
	// What the new version may define in a way that its source does not show is not called gone.
	lazy := *k.New
	lazy.Modules = maps.Clone(lazy.Modules)
	lazy.Modules["zenml.client"] = map[string]string{"*": "?"}
	if broken, _ := (&Known{Usage: k.Usage, Old: k.Old, New: &lazy}).Proven("0.85.0", "0.98.0"); len(broken) != 0 {
		t.Errorf("called gone without proof: %v", broken)
	}
	// What the type checker tells is not told again.
	k.Code = &Code{Breakages: []Breakage{{File: "a.py", Line: 8}}, Deprecated: []Breakage{{File: "run.sh", Line: 1}}}
	broken, deprecated = k.Proven("0.85.0", "0.98.0")
	if len(broken) != 0 || len(deprecated) != 1 {
		t.Errorf("told twice: %v %v", broken, deprecated)
	}
}
