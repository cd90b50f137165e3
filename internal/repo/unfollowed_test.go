package repo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

func TestUnfollowed(t *testing.T) {
	t.Parallel()
	const index = "[[tool.uv.index]]\nname = \"mine\"\nurl = \"http://127.0.0.1:9\"\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing":                {map[string]string{"pyproject.toml": "[tool.uv]\ndev-dependencies = []\n"}, nil},
		"an index above":         {map[string]string{"pyproject.toml": "[project]\nname = \"x\"\n" + index}, []string{"pyproject.toml:3"}},
		"uv.toml beside":         {map[string]string{"a/uv.toml": "index-url = \"http://127.0.0.1:9\"\nexclude-newer = \"2020-01-01T00:00:00Z\"\n"}, []string{"a/uv.toml:1", "a/uv.toml:2"}},
		"of another folder":      {map[string]string{"b/uv.toml": "index-url = \"http://127.0.0.1:9\"\n", "b/pyproject.toml": index}, nil},
		"explicit, for none":     {map[string]string{"pyproject.toml": index + "explicit = true\n[tool.uv.sources]\ntorch = { index = \"mine\" }\n"}, nil},
		"explicit, for ours":     {map[string]string{"pyproject.toml": index + "explicit = true\n[tool.uv.sources]\nRich = { index = \"mine\" }\n"}, []string{"pyproject.toml:6"}},
		"a path for ours":        {map[string]string{"pyproject.toml": "[tool.uv.sources]\nzenml = { path = \"evil\" }\n"}, []string{"pyproject.toml:2"}},
		"a form that is no form": {map[string]string{"pyproject.toml": "[tool.uv]\nindex = 7\n"}, []string{"pyproject.toml:0"}},
		"Poetry's is not pip's":  {map[string]string{"pyproject.toml": "[[tool.poetry.source]]\nname = \"x\"\n"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.files["a/requirements.txt"] = "zenml==0.85.0\nrich\n"
			tr := scanned(t, files.Dir(t, tc.files))
			sets, _, _ := Sets(tr)
			if len(sets) != 1 {
				t.Fatalf("%d sets", len(sets))
			}
			var got []string
			for _, g := range Unfollowed(tr, &sets[0]) {
				got = append(got, g.File+":"+string(rune('0'+g.Line)))
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("gaps (-want +got):\n%s", d)
			}
		})
	}
	tr := scanned(t, files.Dir(t, map[string]string{"pyproject.toml": "[tool.poetry.dependencies]\nzenml = \"0.85.0\"\n[[tool.poetry.source]]\nname = \"x\"\nurl = \"http://127.0.0.1:9\"\n"}))
	sets, _, _ := Sets(tr)
	if got := Unfollowed(tr, &sets[0]); len(got) != 1 || got[0].Line != 3 {
		t.Errorf("Poetry's own source: %v", got)
	}
}
