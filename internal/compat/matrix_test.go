package compat

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// keepers is a repository whose artifacts fail to load in every way that is told apart. What the
// upgrade itself breaks stands beside what breaks because the code looks at ZenML's version, as a
// team's code does that was changed with the upgrade.
var keepers = map[string]string{
	"requirements.txt": "zenml[server]==0.85.0\nnumpy\nscikit-learn\n",
	"keep.py": `import json, os, sys, time
import zenml
from zenml.materializers.base_materializer import BaseMaterializer
from zenml.materializers.cloudpickle_materializer import CloudpickleMaterializer
OLD = zenml.__version__ == "0.85.0"
class Value:
    def __init__(self, word="x"):
        self.word = word
class Does(Value):
    def __init__(self, what, *args):
        self.what, self.args = what, args
    def __reduce__(self):
        return self.what, self.args
class Reads(Value):
    def __setstate__(self, state):
        self.__dict__.update(state, read_by=zenml.__version__)
class Restless(Value):
    def __setstate__(self, state):
        self.__dict__.update(state, read_at=time.time_ns())
class Fussy(Value):
    def __setstate__(self, state):
        if not OLD:
            raise ValueError("not any more")
        self.__dict__.update(state)
class Flat(Value): pass
class Hashed(Value): pass
class Newer(Value): pass
class Lost(Value): pass
if OLD:
    class Gone(Value): pass
def flood():
    for _ in range(100):
        print("x" * (1 << 20))
    return "dry"
def daemon(path):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open(path, "a") as f:
                f.write(f"{os.getpid()}\n")
            time.sleep(600)
        os._exit(0)
    return "free"
def look():
    found = [k for k, v in os.environ.items() if "planted" in k.lower() or "planted" in v or k.startswith(("GITHUB_", "ACTIONS_", "INPUT_", "RUNNER_"))]
    if found:
        raise SystemExit(f"found {found}")
    return "clean"
def scribble(path):
    with open(path, "a") as f:
        f.write("x")
    return "done"
class FlatMaterializer(BaseMaterializer):
    ASSOCIATED_TYPES = (Flat,)
    def load(self, data_type):
        with self.artifact_store.open(os.path.join(self.uri, "flat.json"), "r") as f:
            return Flat(json.load(f)["word" if OLD else "text"])
    def save(self, data):
        with self.artifact_store.open(os.path.join(self.uri, "flat.json"), "w") as f:
            json.dump({"word": data.word}, f)
class HashedMaterializer(CloudpickleMaterializer):
    ASSOCIATED_TYPES = (Hashed,)
    def compute_content_hash(self, data):
        return "0123"
class NewerMaterializer(CloudpickleMaterializer):
    ASSOCIATED_TYPES = (Newer,)
    def save(self, data):
        super().save(data)
        with open(os.path.join(self.uri, "artifact.pkl"), "r+b") as f:
            f.write(b"\x80\x09")
if OLD:
    class LostMaterializer(FlatMaterializer):
        ASSOCIATED_TYPES = (Lost,)
`,
	"run_kept.py": `import os, sys, time
from typing import Any, Tuple
from typing_extensions import Annotated
import keep, numpy, prompt_toolkit.document
from sklearn.linear_model import LinearRegression
from zenml import pipeline, step
from zenml.event_sources.base_event import BaseEvent
WAYS = [
    ("number", lambda: 7), ("array", lambda: numpy.arange(6.0)), ("model", lambda: LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])),
    ("class_moved", keep.Gone), ("module_moved", BaseEvent), ("missing_dependency", lambda: prompt_toolkit.document.Document("x")),
    ("materializer_missing", keep.Lost), ("materializer_changed", keep.Flat), ("pickle_protocol", keep.Newer),
    ("hash_mismatch", keep.Hashed), ("value_differs", keep.Reads), ("restless", keep.Restless), ("data_missing", keep.Value),
    ("crashed", lambda: keep.Does(os._exit, 3)), ("out_of_memory", lambda: keep.Does(bytearray, 10 << 30)),
    ("timed_out", lambda: keep.Does(time.sleep, 3600)), ("floods", lambda: keep.Does(keep.flood)),
    ("forks", lambda: keep.Does(keep.daemon, DAEMONS)),
    ("scribbles", lambda: keep.Does(keep.scribble, os.environ["ZENML_LOCAL_STORES_PATH"] + "/scribbled")), ("other", keep.Fussy),
    ("looks", lambda: keep.Does(keep.look)), ("after", lambda: "still here"),
]
@step
def fill() -> Tuple[RETURNS]:
    made = [make() for _, make in WAYS]
    return (MADE)
@pipeline(enable_cache=False)
def kept():
    fill()
kept()
from zenml.client import Client
import shutil
shutil.rmtree(Client().get_artifact_version("data_missing").uri)
`,
	"run_away.py": `import os
os.environ["ZENML_LOCAL_STORES_PATH"] = AWAY
from typing_extensions import Annotated
from zenml import pipeline, step
@step
def far() -> Annotated[str, "store_out_of_bounds"]:
    return "far"
@pipeline(enable_cache=False)
def away():
    far()
away()
`,
}

// Every class of failure is made for real and told by its name; what misbehaves while it is loaded
// costs itself alone; and nothing is written to the store.
func TestArtifactMatrix(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped: -short leaves out what starts real ZenML servers")
	}
	away, daemons := t.TempDir(), filepath.Join(t.TempDir(), "pids")
	ways := []string{
		"number", "array", "model", "class_moved", "module_moved", "missing_dependency", "materializer_missing", "materializer_changed",
		"pickle_protocol", "hash_mismatch", "value_differs", "restless", "data_missing", "crashed", "out_of_memory", "timed_out", "floods", "forks", "scribbles", "other", "looks", "after",
	}
	returns, made := "", ""
	for i, w := range ways {
		returns += `Annotated[Any, "` + w + `"], `
		made += "made[" + strconv.Itoa(i) + "], " // ZenML divides only what is written as a tuple
	}
	tree := maps.Clone(keepers)
	tree["run_kept.py"] = strings.NewReplacer("RETURNS", returns, "MADE", made, "DAEMONS", strconv.Quote(daemons)).Replace(tree["run_kept.py"])
	tree["run_away.py"] = strings.ReplaceAll(tree["run_away.py"], "AWAY", strconv.Quote(away))
	small := usualLimits
	small.Seconds = 6 // ends what hangs; what loads must not need it, also on a busy machine
	res, err := Run(t.Context(), Options{
		From: "0.85.0", To: "0.98.0", Artifacts: Selection{-1}, Repo: files.Dir(t, tree), Python: ">=3.10,<3.12",
		Pipelines: []config.Pipeline{{Name: "kept", Command: "python run_kept.py"}, {Name: "away", Command: "python run_away.py"}},
		Pyenv:     machine.Manager(t), Environ: append(os.Environ(), marks...), limits: &small,
	})
	if err != nil {
		t.Fatal(err)
	}
	type end struct {
		Old, New Status
		Class    string
		Same     string
	}
	got := map[string]end{}
	for _, a := range res.Artifacts {
		e := end{Old: a.LoadOld, New: a.LoadNew}
		if a.Class != nil {
			e.Class = *a.Class
		}
		if a.SameValue != nil {
			e.Same = strconv.FormatBool(*a.SameValue)
		}
		got[*a.Name] = e
		t.Logf("%s: %v %s", *a.Name, e, value(a.Cause))
	}
	broken := func(class string) end { return end{Old: Passed, New: Failed, Class: class} }
	before := func(class string) end { return end{Old: Failed, New: Failed, Class: class} }
	fine := end{Old: Passed, New: Passed, Same: "true"}
	want := map[string]end{
		"number": fine, "array": fine, "model": fine, "after": fine, "floods": fine, "forks": fine, "scribbles": fine, "looks": fine,
		"other":       broken("other"),
		"restless":    {Old: Passed, New: Passed},
		"class_moved": broken("class_moved"), "module_moved": broken("class_moved"), "missing_dependency": broken("missing_dependency"),
		"materializer_missing": broken("materializer_missing"), "materializer_changed": broken("materializer_changed"),
		"hash_mismatch": broken("hash_mismatch"), "value_differs": {Old: Passed, New: Passed, Class: "value_differs", Same: "false"},
		"pickle_protocol": before("pickle_protocol"), "data_missing": before("data_missing"), "store_out_of_bounds": broken("store_out_of_bounds"),
		"crashed": before("crashed"), "out_of_memory": before("out_of_memory"), "timed_out": before("timed_out"),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("artifacts (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"scribbled"}, res.written); d != "" {
		t.Errorf("files of the stores that loading changed (-want +got):\n%s", d)
	}
	pids, _ := os.ReadFile(daemons)
	if len(pids) == 0 {
		t.Error("no daemon was left behind by an artifact, so nothing was tested")
	}
	for word := range strings.FieldsSeq(string(pids)) {
		pid, _ := strconv.Atoi(word)
		if _, alive := proc.StartTime(pid); alive {
			t.Errorf("the daemon %d that an artifact started still lives", pid)
		}
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	var all []zenml.ArtifactVersion
	for i, kind := range []string{"int", "frame", "int", "int", "model", "int"} {
		all = append(all, zenml.ArtifactVersion{ID: strconv.Itoa(i), Type: kind})
	}
	for _, c := range []struct {
		text   string
		want   []string
		unseen int
	}{
		{"all", []string{"0", "1", "2", "3", "4", "5"}, 0},
		{"none", nil, 3},
		{"4", []string{"5", "4", "1", "3"}, 0}, // one of each kind first, the newest of it
		{"2", []string{"5", "4"}, 1},
	} {
		s, err := ParseSelection(c.text)
		if err != nil {
			t.Fatal(err)
		}
		chosen, unseen := s.choose(all)
		if d := cmp.Diff(c.want, ids(chosen)); d != "" && len(c.want)+len(chosen) > 0 || len(unseen) != c.unseen {
			t.Errorf("%s: %v unseen (-want +got):\n%s", c.text, unseen, d)
		}
	}
	for _, text := range []string{"0", "-3", "some", "1e3"} {
		if _, err := ParseSelection(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
