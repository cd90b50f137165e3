package impact

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

// planted are the findings about the places in testdata/planted.txtar.
var planted = []struct {
	name, text string
	want       release.Affects
	where      string
}{
	{"a call in Python", "`Client.list_event_sources` has been removed.", release.Yes, "audit/keeper.py:12"},
	{"an import", "The module `zenml.event_sources` has been removed. Use `zenml.triggers` instead.", release.Yes, "audit/handlers.py:3"},
	{"a command in a workflow", "`zenml event-source list` no longer exists.", release.Yes, ".github/workflows/audit.yml:12"},
	{"a Helm key", "The Helm value `database.sslCa` is now `database.tls.ca`.", release.Yes, "deploy/values.yaml:6"},
	{"a path of the REST API", "The endpoint `GET /api/v1/pipelines/{pipeline_id}/runs` was removed. Call `/api/v1/runs` instead.", release.Yes, "scripts/runs.py:6"},
	{"the same name in another library", "`Client.list_trigger_executions` has been removed.", release.No, ""},
	{"a comment", "`Client.delete_trigger` has been removed.", release.No, ""},
	{"a text", "`Client.get_trigger` has been removed.", release.No, ""},
	{"code for older versions", "`Client.create_trigger` has been removed.", release.No, ""},
	{"a method of the user's own class", "`Client.update_trigger` has been removed.", release.No, ""},
}

func known(t *testing.T, tr *repo.Tree, typed bool) *Known {
	t.Helper()
	m := machine.Manager(t)
	p := pair(t, m)
	env := proc.BaseEnv(machine.Environ(t))
	x, err := usage.Reader{Python: m.Python, Env: env, To: "0.98.0"}.Read(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	k := &Known{Tree: tr, Usage: x, Pair: p}
	k.Sets, _, k.Gaps = repo.Sets(tr)
	for dst, env := range map[**usage.Symbols]string{&k.Old: p.Old.Dir, &k.New: p.New.Dir} {
		e := p.Old
		if env == p.New.Dir {
			e = p.New
		}
		if *dst, err = usage.ReadSymbols(t.Context(), machine.Cache(t), e, proc.BaseEnv(machine.Environ(t))); err != nil {
			t.Fatal(err)
		}
	}
	if typed {
		c := Checker{Ty: m.Ty, Env: m.Env, Old: p.Old, New: p.New}
		if k.Code, err = c.Check(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
		k.Code.Reach(x)
	}
	return k
}

func plantedTree(t *testing.T) *repo.Tree {
	t.Helper()
	a, err := txtar.ParseFile("testdata/planted.txtar")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, f := range a.Files {
		texts[f.Name] = string(f.Data)
	}
	return tree(t, texts)
}

// Five uses are found at their line and five look-alikes are not, with the type checker and without.
func TestPlantedUsesAndNearMisses(t *testing.T) {
	t.Parallel()
	for _, typed := range []bool{false, true} {
		t.Run(fmt.Sprintf("typed %v", typed), func(t *testing.T) {
			t.Parallel()
			k := known(t, plantedTree(t), typed)
			var list []release.Finding
			for i, p := range planted {
				list = append(list, release.Finding{ID: fmt.Sprint(i), Version: "0.94.0", Category: release.Breaking, Source: "notes", Title: p.text, Text: p.text})
			}
			k.Answer(list)
			for i, p := range planted {
				f := list[i]
				where := ""
				for _, e := range f.Evidence {
					where += fmt.Sprintf("%s:%d", e.File, e.Line)
				}
				if f.Affects != p.want || where != p.where || len(f.Searched) == 0 || f.Reason == "" || f.WouldDecide != nil {
					t.Errorf("%s: %s at %q, want %s at %q: %s %v %v", p.name, f.Affects, where, p.want, p.where, f.Reason, f.Searched, f.Evidence)
				}
			}
			if !typed {
				return
			}
			want := []string{"audit/handlers.py:3 zenml.event_sources.base_event_source", "audit/keeper.py:12 list_event_sources"}
			if d := cmp.Diff(want, places(k.Code.Breakages)); d != "" {
				t.Errorf("breakages (-want +got):\n%s", d)
			}
		})
	}
}
