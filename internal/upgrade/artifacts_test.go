package upgrade

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

func TestJudgeNeverCallsTheIncomparableFine(t *testing.T) {
	t.Parallel()
	value := func(digest string) zenml.Loaded {
		if digest != "" {
			digest = "value:" + digest
		}
		return zenml.Loaded{Status: "loaded", Type: "Model", Digest: digest}
	}
	failed := zenml.Loaded{Status: "failed", Cause: "ModuleNotFoundError"}
	before := map[string]zenml.Loaded{"same": value("1"), "other": value("1"), "opaque": value(""), "gone": value("1"), "never": failed, "silent": value("1")}
	after := map[string]zenml.Loaded{"same": value("1"), "other": value("2"), "opaque": value(""), "gone": failed, "never": failed}
	before["unsteady"], after["unsteady"] = value("1"), value("2")
	again := map[string]zenml.Loaded{"same": value("1"), "other": value("1"), "gone": value("1"), "silent": value("1"), "unsteady": value("3")}
	steady(before, again)
	var got ArtifactCheck
	got.judge(before, after)
	want := ArtifactCheck{
		Tried: 7, Same: 1,
		Unknown: []string{"never: not loadable before the upgrade: ModuleNotFoundError", "opaque: loads, but a Model cannot be compared", "unsteady: loads, but a Model cannot be compared"},
		Broken:  []string{"gone: ModuleNotFoundError", "other: the value of this Model differs", "silent: "},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
