package migration

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// The real wheels agree with what was read of them by hand and by other means.
func TestRealWheels(t *testing.T) {
	t.Parallel()
	m := machine.Manager(t)
	x := &Reader{Dir: t.TempDir(), Env: proc.BaseEnv(os.Environ())}
	var read [2][]Revision
	for i, v := range []string{"0.85.0", "0.98.0"} {
		env, err := m.Ensure(t.Context(), pyenv.Spec{Python: "3.11", Requirements: pyenv.ServerRequirements(v)})
		if err != nil {
			t.Skipf("skipped: ZenML %s cannot be installed: %v", v, err)
		}
		if read[i], err = x.Read(t.Context(), env); err != nil {
			t.Fatal(err)
		}
	}
	if len(read[1]) != 285 {
		t.Errorf("0.98.0 has %d revisions, want 285", len(read[1]))
	}
	got, err := Between(read[0], read[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range got {
		if g.Destructive == nil || len(g.Tables) == 0 {
			t.Errorf("%s: destructive %v, tables %v", g.Revision, g.Destructive, g.Tables)
		}
	}
	i := slices.IndexFunc(got, func(g Migration) bool { return g.Revision == "9f2b8c7d6e5a" })
	if i < 0 {
		t.Fatal("9f2b8c7d6e5a is missing")
	}
	if g := got[i]; g.Version != "0.97.0" || !*g.Destructive || !g.Irreversible || g.Operations["drop_table"] != 8 || !slices.Contains(g.Tables, "resource_pool") {
		t.Errorf("got %+v", g)
	}
	root := slices.IndexFunc(read[1], func(r Revision) bool { return r.Down == nil })
	all, err := Between(read[1][root:root+1], read[1])
	if err != nil {
		t.Fatal(err)
	}
	agree(t, all)
}

// agree compares with the list made from 20 wheels, in which each release has its own revisions.
func agree(t *testing.T, got []Migration) {
	t.Helper()
	data, err := os.ReadFile("../../../shared/data/zenml/alembic_by_release.json")
	if err != nil {
		t.Skip("skipped: ../shared/data/zenml is not there")
	}
	var releases []struct {
		Release    string
		Migrations []struct {
			Rev   string
			Flags []string
		}
	}
	if err := json.Unmarshal(data, &releases); err != nil {
		t.Fatal(err)
	}
	want, have := []string{}, []string{}
	for _, r := range releases {
		for _, m := range r.Migrations {
			if m.Rev != "alembic_start" {
				lost := slices.ContainsFunc(m.Flags, func(f string) bool { return f == "DROP_TABLE" || f == "DROP_COL" || f == "DELETE_ROWS" })
				want = append(want, m.Rev+map[bool]string{true: " destructive", false: ""}[lost])
			}
		}
	}
	for _, g := range got {
		have = append(have, g.Revision+map[bool]string{true: " destructive", false: ""}[g.Destructive != nil && *g.Destructive])
	}
	slices.Sort(want)
	slices.Sort(have)
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("(-the list +read here):\n%s", d)
	}
}
