package zenml_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// Each line is a pair of expressions and what their digests must be.
const pairs = `
import atexit, dataclasses, datetime, enum, json, os, pathlib, shutil, sys, tempfile, threading
sys.path.insert(0, sys.argv[1])
from zu_canonical import digest
import numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.ensemble import RandomForestClassifier

class Plain:
    def __init__(self, **kw): self.__dict__.update(kw)
class Slots:
    __slots__ = ("a",)
    def __init__(self, a): self.a = a
class Counter(dict): pass
@dataclasses.dataclass
class Data:
    a: int
class Color(enum.Enum):
    RED = 1
    BLUE = 2
def cycle(n):
    p = Plain(n=n); p.me = p
    return p
X, y = [[0.0], [1.0], [2.0]], [0, 1, 1]
cases = {
  "int float": (1, 1.0, "differ"), "bool int": (True, 1, "differ"), "nan": (float("nan"), float("nan"), "same"),
  "list tuple": ([1], (1,), "differ"), "nesting": ([[1], 2], [[1, 2]], "differ"), "str bytes": ("a", b"a", "differ"),
  "dict order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "same"), "dict value": ({"a": 1}, {"a": 2}, "differ"),
  "set order": ({"x", "y", "z"}, {"z", "y", "x"}, "same"), "dates": (datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), "differ"),
  "enum": (Color.RED, Color.BLUE, "differ"), "dataclass": (Data(1), Data(1), "same"), "dataclass value": (Data(1), Data(2), "differ"),
  "plain": (Plain(a=1, b=2), Plain(b=2, a=1), "same"), "plain value": (Plain(a=1), Plain(a=2), "differ"),
  "slots": (Slots(1), Slots(2), "differ"), "dict subclass": (Counter(a=1), Counter(a=2), "differ"),
  "cycle": (cycle(1), cycle(1), "same"), "cycle value": (cycle(1), cycle(2), "differ"),
  "array": (np.arange(4), np.arange(4), "same"), "array value": (np.arange(4), np.arange(4)[::-1], "differ"),
  "array shape": (np.arange(4), np.arange(4).reshape(2, 2), "differ"), "array dtype": (np.arange(4), np.arange(4.0), "differ"),
  "array layout": (np.asfortranarray(np.ones((2, 3))), np.ones((2, 3)), "same"), "scalar": (np.float64(1), np.float64(2), "differ"),
  "frame": (pd.DataFrame({"a": [1, 2], "t": ["x", None]}), pd.DataFrame({"a": [1, 2], "t": ["x", None]}), "same"),
  "frame value": (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), "differ"),
  "frame column": (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), "differ"),
  "frame index": (pd.DataFrame({"a": [1]}, index=[5]), pd.DataFrame({"a": [1]}, index=[6]), "differ"),
  "series": (pd.Series([1.5]), pd.Series([2.5]), "differ"), "times": (pd.Series(pd.to_datetime(["2020-01-01"])), pd.Series(pd.to_datetime(["2021-01-01"])), "differ"),
  "fitted": (LinearRegression().fit(X, y), LinearRegression().fit(X, y), "same"),
  "fitted value": (LinearRegression().fit(X, y), LinearRegression().fit(X, [1, 0, 0]), "unknown"),
  "trees": (RandomForestClassifier(3, random_state=1).fit(X, y), RandomForestClassifier(3, random_state=1).fit(X, y), "same"),
  "tree values": (RandomForestClassifier(3, random_state=1).fit(X, y), RandomForestClassifier(3, random_state=2).fit(X, [1, 0, 0]), "unknown"),
  "lock": (threading.Lock(), threading.Lock(), "none"), "lambda": (lambda: 1, lambda: 1, "none"), "file": (sys.stdin, sys.stdin, "none"),
}
here = os.path.join(tempfile.gettempdir(), "zu-pairs")
def folder(**texts):
    made = pathlib.Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, made)
    for name, text in texts.items(): (made / name).write_text(text)
    return made
cases.update({
  "unpacked folders": (folder(a="1", b="2"), folder(a="1", b="2"), "same"), "folder content": (folder(a="1"), folder(a="2"), "differ"),
  "folder names": (folder(a="1"), folder(b="1"), "differ"), "unpacked files": (folder(a="1") / "a", folder(b="1") / "b", "same"),
  "paths": (pathlib.Path("a"), pathlib.Path("b"), "differ"), "lists of paths": ([folder(a="1")], [folder(a="1")], "same"),
  "nothing there": (pathlib.Path(here + "1"), pathlib.Path(here + "2"), "differ"),
})
def verdict(a, b):
    a, b = digest(a), digest(b)
    if not a or not b: return "none"
    if a == b: return "same"
    return "differ" if a.startswith("value:") and b.startswith("value:") else "unknown"
print(json.dumps({k: verdict(a, b) for k, (a, b, want) in cases.items() if verdict(a, b) != want}))
`

func TestCanonicalDigest(t *testing.T) {
	t.Parallel()
	m, err := pyenv.New(os.Environ(), world.Need(t))
	if err != nil {
		t.Fatal(err)
	}
	env, err := m.Ensure(t.Context(), pyenv.Spec{Python: "3.11", Requirements: []string{"numpy", "pandas", "scikit-learn"}})
	if err != nil {
		t.Skipf("skipped: no environment with scikit-learn: %v", err)
	}
	script := filepath.Join(t.TempDir(), "pairs.py")
	if err := os.WriteFile(script, []byte(pairs), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("probes")
	if err != nil {
		t.Fatal(err)
	}
	res, err := proc.Run(t.Context(), proc.Command{Path: env.Python, Args: []string{"-B", script, here}, Env: proc.BaseEnv(os.Environ())})
	if err != nil {
		t.Fatal(err)
	}
	var wrong map[string]string
	if err := json.Unmarshal(res.Stdout, &wrong); err != nil {
		t.Fatal(err)
	}
	for name, got := range wrong {
		t.Errorf("%s: %s", name, got)
	}
}
