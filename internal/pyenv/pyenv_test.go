package pyenv

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

func TestClassifyTellsARefusalFromAnIndexThatIsDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ words, want string }{
		{"  x No solution found when resolving dependencies:\n  Because zenml==0.98.0 depends on click>=8.3.3", "conflict"},
		{"error: Failed to fetch: `simple/zenml/`\n  Caused by: error sending request", "unreachable"},
		{"error: Failed to fetch: `simple/zenml/`\n No solution found", "unreachable"},
		{"error: something else", "other"},
	} {
		err := classify(&proc.ExitError{Name: "uv", Code: 1, Tail: c.words})
		var conflict *Conflict
		var f *fault.Error
		got := "other"
		switch {
		case errors.As(err, &conflict):
			got = "conflict"
		case errors.As(err, &f) && f.Kind == fault.NoVerdict:
			got = "unreachable"
		}
		if got != c.want {
			t.Errorf("%q is %s, want %s", c.words, got, c.want)
		}
	}
}

func TestIndexEnvPassesTheIndexAndClosesTheRest(t *testing.T) {
	t.Parallel()
	got := strings.Join(indexEnv([]string{"PIP_INDEX_URL=i", "UV_CONFIG_FILE=evil", "GITHUB_TOKEN=x", "PYTHONPATH=evil", "PATH=/bin"}), " ")
	for _, want := range []string{"PATH=/bin", "PIP_INDEX_URL=i", "UV_DEFAULT_INDEX=i", "UV_NO_CONFIG=1", "UV_PYTHON_DOWNLOADS=never"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
	if strings.Contains(got, "evil") || strings.Contains(got, "TOKEN") {
		t.Errorf("too much passes: %s", got)
	}
}

func TestPinsReadsUVsAnswer(t *testing.T) {
	t.Parallel()
	got := pins("click==8.3.3\nzenml[server]==0.98.0 ; python_version > '3.9'\n# via x\nRuamel.YAML==0.1\n")
	if diff := cmp.Diff(map[string]string{"click": "8.3.3", "zenml": "0.98.0", "ruamel-yaml": "0.1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestServerRequirementsHelpOldReleases(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]int{"0.98.0": 1, "0.84.0": 1, "0.83.1": 2, "0.80.2": 2, "0.58.2": 7} {
		if got := ServerRequirements(v); len(got) != want || got[0] != "zenml[server]=="+v {
			t.Errorf("%s: %v", v, got)
		}
	}
}

func TestMetadataReadsBothDialects(t *testing.T) {
	t.Parallel()
	env := &Env{Dir: t.TempDir()}
	dir := filepath.Join(env.Dir, "lib", "python3.11", "site-packages", "zenml-0.98.0.dist-info")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "Metadata-Version: 2.4\nName: zenml\nVersion: 0.98.0\nRequires-Dist: click>=8.3.3,<=8.5.0\nRequires-Dist: fastapi>=0.138 ; extra == 'server'\n" +
		"Requires-Python: >=3.10, <3.15\nProvides-Extra: server\n\n# ZenML\nVersion: not this one\n"
	if err := os.WriteFile(filepath.Join(dir, "METADATA"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := env.Metadata("zenml")
	if err != nil {
		t.Fatal(err)
	}
	want := &Metadata{
		Version: "0.98.0", RequiresPython: ">=3.10, <3.15", Extras: []string{"server"},
		RequiresDist: []string{"click>=8.3.3,<=8.5.0", "fastapi>=0.138 ; extra == 'server'"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := env.Metadata("absent"); err == nil {
		t.Error("a package that is not there has metadata")
	}
}
