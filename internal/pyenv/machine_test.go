package pyenv

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

// The children read no configuration file, so what the machine's own say of indexes is handed over.
func TestTheMachinesOwnIndexStaysInUse(t *testing.T) {
	t.Parallel()
	dir := files.Dir(t, map[string]string{
		"pip.conf":    "[global]\nindex-url = http://pip/simple\ncert = x\n[list]\nindex-url = http://no/simple\n[install]\n# extra\nextra_index_url =\n    http://one/simple\n    http://two/simple\nfind-links: /nowhere\n",
		"uv/uv.toml":  "[[index]]\nname = \"a\"\nurl = \"http://uv/simple\"\ndefault = true\n[[index]]\nname = \"b\"\nurl = \"http://three/simple\"\n[[index]]\nname = \"c\"\nurl = \"http://no/simple\"\nexplicit = true\n",
		"bad/uv.toml": "index-url = \n",
	})
	for name, tc := range map[string]struct {
		environ []string
		want    map[string]string
	}{
		"pip's":              {[]string{"PIP_CONFIG_FILE=" + filepath.Join(dir, "pip.conf")}, map[string]string{"UV_DEFAULT_INDEX": "http://pip/simple", "UV_EXTRA_INDEX_URL": "http://one/simple http://two/simple"}},
		"uv's before pip's":  {[]string{"XDG_CONFIG_HOME=" + dir, "PIP_CONFIG_FILE=" + filepath.Join(dir, "pip.conf")}, map[string]string{"UV_DEFAULT_INDEX": "http://uv/simple", "UV_EXTRA_INDEX_URL": "http://one/simple http://two/simple http://three/simple"}},
		"a variable first":   {[]string{"XDG_CONFIG_HOME=" + dir, "UV_DEFAULT_INDEX=http://v", "UV_INDEX=http://w"}, map[string]string{"UV_DEFAULT_INDEX": "http://v", "UV_INDEX": "http://w"}},
		"pip's variable too": {[]string{"PIP_EXTRA_INDEX_URL=http://x", "PIP_FIND_LINKS=" + dir + " /nowhere", "PIP_CONFIG_FILE=/dev/null"}, map[string]string{"UV_EXTRA_INDEX_URL": "http://x", "UV_FIND_LINKS": dir}},
		"a file in the working folder is none of the machine's": {[]string{"PIP_CONFIG_FILE=pip.conf", "XDG_CONFIG_HOME=."}, map[string]string{}},
		"a broken file": {[]string{"XDG_CONFIG_HOME=" + filepath.Join(dir, "bad"), "PIP_CONFIG_FILE=/dev/null"}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := map[string]string{}
			for _, kv := range indexEnv(tc.environ) {
				k, v, _ := strings.Cut(kv, "=")
				if strings.HasPrefix(k, "UV_") && (strings.Contains(k, "INDEX") || strings.Contains(k, "LINKS")) && k != "UV_INDEX_STRATEGY" {
					got[k] = v
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("variables (-want +got):\n%s", d)
			}
		})
	}
}
