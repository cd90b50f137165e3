package compattest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
)

// The app looks for lines at fault in whatever an action returns.
var _ action.Annotator = (*Result)(nil)

func TestAnnotations(t *testing.T) {
	t.Parallel()
	file, three, five := "run.py", 3, 5
	r := &Result{Result: &compat.Result{
		Code: []compat.Breakage{{File: "lib/a.py", Line: 7, Rule: "broken_by_upgrade", Message: "AttributeError: gone", Check: "pipeline:train"}},
		Deprecated: []compat.Deprecated{
			{Check: "pipeline:train", Kind: "FutureWarning", Message: "old way", File: &file, Line: &three},
			{Check: "pipeline:score", Kind: "FutureWarning", Message: "old way", File: &file, Line: &three},
			{Check: "pipeline:train", Kind: "log", Message: "no line of yours"},
			{Check: "pipeline:train", Kind: "log", Message: "old way", File: &file, Line: &five},
		},
	}}
	want := []action.Annotation{
		{Failure: true, File: "lib/a.py", Line: 7, Title: "Broken by the upgrade: pipeline:train", Message: "AttributeError: gone"},
		{File: "run.py", Line: 3, Title: "Deprecated: FutureWarning", Message: "old way"},
		{File: "run.py", Line: 5, Title: "Deprecated: log", Message: "old way"},
	}
	if d := cmp.Diff(want, r.Annotations()); d != "" {
		t.Errorf("annotations (-want +got):\n%s", d)
	}
}
