package impact

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

func TestOnlyNew(t *testing.T) {
	t.Parallel()
	at := func(line int, message string) remark {
		return remark{File: "a.py", Line: line, Column: 1, Rule: "r", Message: message}
	}
	for name, tc := range map[string]struct{ before, after, want []remark }{
		"the same":                        {[]remark{at(1, "x")}, []remark{at(1, "x")}, nil},
		"moved is not counted":            {[]remark{at(1, "x")}, []remark{at(9, "x")}, nil},
		"one more, at its own line":       {[]remark{at(5, "x")}, []remark{at(2, "x"), at(5, "x")}, []remark{at(2, "x")}},
		"moved, and one more":             {[]remark{at(1, "x"), at(5, "x")}, []remark{at(2, "x"), at(5, "x"), at(7, "x")}, []remark{at(7, "x")}},
		"gone":                            {[]remark{at(1, "x")}, nil, nil},
		"twice on a line is one":          {nil, []remark{at(3, "no `s`"), at(3, "no `s`")}, []remark{at(3, "no `s`")}},
		"two symbols on a line are two":   {nil, []remark{at(3, "no `s`"), at(3, "no `t`")}, []remark{at(3, "no `s`"), at(3, "no `t`")}},
		"another message at the place":    {[]remark{at(1, "x")}, []remark{at(1, "y")}, []remark{at(1, "y")}},
		"one old pairs with one new only": {[]remark{at(1, "x")}, []remark{at(1, "x"), at(1, "x")}, []remark{at(1, "x")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(len(tc.want), len(onlyNew(tc.before, tc.after))); d != "" {
				t.Error(d)
			}
			for i, r := range onlyNew(tc.before, tc.after) {
				if r != tc.want[i] {
					t.Errorf("got %+v, want %+v", r, tc.want[i])
				}
			}
		})
	}
}

func TestJudgePython(t *testing.T) {
	t.Parallel()
	bounds := ">=3.10, <3.15"
	yes, no := true, false
	for name, tc := range map[string]struct {
		p    Python
		want *bool
		bad  []string
	}{
		"supported":      {Python{RequiresNew: &bounds, Used: []string{"3.10", "3.14"}}, &yes, []string{}},
		"one is not":     {Python{RequiresNew: &bounds, Used: []string{"3.9", "3.11"}}, &no, []string{"3.9"}},
		"none known":     {Python{RequiresNew: &bounds}, nil, []string{}},
		"range unknown":  {Python{Used: []string{"3.11"}}, nil, []string{}},
		"above the most": {Python{RequiresNew: &bounds, Used: []string{"3.15"}}, &no, []string{"3.15"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.p.Judge()
			if d := cmp.Diff(tc.want, tc.p.Supported); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.bad, tc.p.Unsupported); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.py": "from zenml.client import Client\nfrom zenml import step\nfrom zenml.materializers.base_materializer import BaseMaterializer\nimport structlog\n\n" +
			"Client().list_event_sources()\nClient().list_pipeline_runs(size=1)\n\n\ndef f(c):\n    c.list_builds()\n    for r in Client().list_pipeline_runs():\n        print(r.status)\n\n\n" +
			"class M(BaseMaterializer):\n    def load(self, data_type):\n        pass\n\n\n@step(enable_cache=False, experiment_tracker='x')\ndef s() -> None:\n    pass\n",
		"run.sh":           "zenml stack describe --x\nzenml integration install mlflow -y\nexport ZENML_LOGGING_FORMAT=json\n",
		"config.yaml":      "settings:\n  docker:\n    required_integrations: [kubeflow]\n",
		"requirements.txt": "zenml[server]==0.85.0\nclick==8.1.7\n",
		".python-version":  "3.11\n",
	}
	yes, no, unknown := release.Yes, release.No, release.Unknown
	k := known(t, tree(t, files), false)
	k.Python = Python{Used: []string{"3.11"}, UsedFrom: []repo.Python{{Version: "3.11", Source: ".python-version"}}}
	for name, tc := range map[string]struct {
		category release.Category
		text     string
		want     release.Affects
		where    []string
	}{
		"a method":                    {release.Breaking, "`Client.list_event_sources` is gone", yes, []string{"a.py:6"}},
		"a method of something":       {release.Breaking, "`Client.list_builds` is gone", unknown, []string{"a.py:11"}},
		"a topic that is gone":        {release.Breaking, "Client methods for legacy event sources have been removed.", yes, []string{"a.py:6"}},
		"a topic that is met":         {release.Breaking, "The handling of pipeline runs has changed, if you list them.", unknown, []string{"a.py:7", "a.py:12", "a.py:13"}},
		"a topic that is not":         {release.Breaking, "Methods for service connectors have been removed.", no, nil},
		"a behaviour of everything":   {release.Breaking, "The default caching is more strict.", unknown, nil},
		"what comes instead":          {release.Breaking, "`Client.list_old_runs` is gone. Use `Client.list_pipeline_runs` instead.", no, nil},
		"what comes instead, renamed": {release.Breaking, "Rename `list_old_runs` to `list_pipeline_runs`", no, nil},
		"an argument":                 {release.Breaking, "`@step(experiment_tracker=...)` takes a flavor now", yes, []string{"a.py:21"}},
		"another argument":            {release.Breaking, "`@step(step_operator=...)` takes a flavor now", no, nil},
		"a field of an answer":        {release.Breaking, "The `status` field has been removed from pipeline runs", yes, []string{"a.py:13"}},
		"a field nobody reads":        {release.Breaking, "The `logs` field has been removed from pipeline runs", no, nil},
		"a method that is overridden": {release.Breaking, "If you have overridden the `load` method, update its signature.", yes, []string{"a.py:17"}},
		"custom classes":              {release.Breaking, "Custom materializers must implement `load_in_parts`.", yes, []string{"a.py:16"}},
		"custom classes that comply":  {release.Breaking, "Custom materializers must implement `load`.", no, []string{"a.py:16"}},
		"no such class":               {release.Breaking, "Custom step operator flavors must implement `submit_step`.", no, nil},
		"a command":                   {release.Breaking, "`zenml stack describe` prints less", yes, []string{"run.sh:1"}},
		"another command":             {release.Breaking, "`zenml stack share` is gone", no, nil},
		"an integration":              {release.Breaking, "Remove MLflow integration", yes, []string{"run.sh:2"}},
		"an integration in a file":    {release.Breaking, "Remove the Kubeflow integration", yes, []string{"config.yaml:3"}},
		"no such integration":         {release.Breaking, "Remove the whylogs integration", no, nil},
		"flavors on the server":       {release.Breaking, "The Tekton orchestrator needs newer clusters", unknown, nil},
		"an environment variable":     {release.Deprecation, "`ZENML_LOGGING_FORMAT` is deprecated in favor of `ZENML_DEBUG`", yes, []string{"run.sh:3"}},
		"another variable":            {release.Deprecation, "`ZENML_LOGGING_COLORS` is deprecated", no, nil},
		"content of the server":       {release.Breaking, "Run templates need to be recreated", unknown, nil},
		"client and server":           {release.Breaking, "Client-Server compatibility: upgrade both simultaneously", yes, []string{"requirements.txt:1"}},
		"an extra that is there":      {release.Breaking, "The base package has no database: install `zenml[local]`", no, nil},
		"an extra that is not":        {release.Breaking, "Terraform moved: install `zenml[terraform]`", unknown, []string{"requirements.txt:1"}},
		"a Python version":            {release.Breaking, "Python 3.11 support dropped", yes, []string{".python-version:0"}},
		"another Python version":      {release.Breaking, "Python 3.8 support dropped", no, nil},
		"a package":                   {release.Dependency, "We removed the `click` library as a dependency", yes, []string{"requirements.txt:2"}},
		"another package":             {release.Dependency, "The integration now requires `kfp==1.8.22`", no, nil},
		"nothing to search for":       {release.Breaking, "This is a big change", unknown, nil},
		"no chart here":               {release.Helm, "value `x` renamed", no, nil},
		"a chart, without a key":      {release.Breaking, "Move helm chart out of the source tree", no, nil},
		"something new":               {release.Feature, "Pipelines can be replayed", no, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := *k
			list := []release.Finding{{ID: name, Category: tc.category, Source: "notes", Title: tc.text, Text: tc.text}}
			k.Answer(list)
			f := list[0]
			var where []string
			for _, e := range f.Evidence {
				where = append(where, fmt.Sprintf("%s:%d", e.File, e.Line))
			}
			if f.Affects != tc.want || !slices.Equal(where, tc.where) {
				t.Errorf("got %s at %v, want %s at %v: %s %v", f.Affects, where, tc.want, tc.where, f.Reason, f.Searched)
			}
			if (f.WouldDecide != nil) != (f.Affects == unknown) || f.Affects == no && len(f.Searched) == 0 {
				t.Errorf("would decide %v, searched %v", f.WouldDecide, f.Searched)
			}
		})
	}
}

// What cannot be read takes every No back that it could have changed.
func TestNoIsTakenBack(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{"bad.py": "import zenml\ndef (\n", "bad.sh": "zenml x (\n"} {
		tr := tree(t, map[string]string{"requirements.txt": "zenml[server]==0.85.0\n", file: text})
		k := known(t, tr, false)
		list := []release.Finding{
			{Category: release.Breaking, Source: "notes", Text: "`Client.list_event_sources` is gone"},
			{Category: release.Breaking, Source: "notes", Text: "`zenml stack share` is gone"},
			{Category: release.Breaking, Source: "notes", Text: "install `zenml[local]`"},
		}
		k.Answer(list)
		got := []release.Affects{list[0].Affects, list[1].Affects, list[2].Affects}
		want := []release.Affects{release.Unknown, release.Unknown, release.No}
		if file == "bad.sh" {
			want[0] = release.No
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
}

func TestDependencyOfZenML(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		requires, title string
		want            release.Affects
	}{
		"required":               {"zenml[server]==0.85.0\nclick==8.1.7\n", "click changes", release.Yes},
		"imported":               {"zenml[server]==0.85.0\n", "structlog (any) is required now", release.Yes},
		"imported by its module": {"zenml[server]==0.85.0\n", "gitpython changes", release.Yes},
		"neither":                {"zenml[server]==0.85.0\n", "jsonref is required now", release.No},
		"still brought":          {"zenml[server]==0.85.0\n", "alembic (x) is no longer a core requirement: only extras need it", release.No},
		"not brought":            {"zenml==0.85.0\n", "alembic (x) is no longer a core requirement: only extras need it", release.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := known(t, tree(t, map[string]string{"requirements.txt": tc.requires, "a.py": "import git\nimport structlog\n# jsonref\n"}), false)
			list := []release.Finding{{Category: release.Dependency, Source: "metadata", Title: tc.title}}
			k.Answer(list)
			if list[0].Affects != tc.want {
				t.Errorf("got %s, want %s: %+v", list[0].Affects, tc.want, list[0])
			}
		})
	}
}
