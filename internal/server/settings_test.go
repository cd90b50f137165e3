package server

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadEnvFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
		err  string // part of the error
	}{
		"plain":           {text: "# note\n\nA=1\nexport B = two words \n", want: []string{"A=1", "B=two words"}},
		"equals in value": {text: "URL=mysql://u:p@h/db?a=b\n", want: []string{"URL=mysql://u:p@h/db?a=b"}},
		"comment":         {text: "A=1 # note\nB=a#b\n", want: []string{"A=1", "B=a#b"}},
		"quotes":          {text: "A='x # y'\nB=\"a\\\"b\\$c\\n\\d\" # note\n", want: []string{"A=x # y", "B=a\"b$c\n\\d"}},
		"empty value":     {text: "A=\nB=''\n", want: []string{"A=", "B="}},
		"windows lines":   {text: "A=1\r\n", want: []string{"A=1"}},
		"no equals sign":  {text: "A=1\nhunter2\n", err: "line 2 is not KEY=value"},
		"bad key":         {text: "A B=hunter2\n", err: "line 1 is not KEY=value"},
		"open quote":      {text: "A=\"hunter2\n", err: "the value of A has a quote that does not end"},
		"text after":      {text: "A='hunter2'x\n", err: "quote that does not end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "server.env")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadEnvFile(path)
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want one with %q", err, c.err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds a value: %v", err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestEnvironmentOfACopy(t *testing.T) {
	t.Parallel()
	last := func(env []string, key string) (value string) {
		for _, kv := range env {
			if k, v, _ := strings.Cut(kv, "="); k == key {
				value = v
			}
		}
		return value
	}
	c := Config{
		StoreURL: "sqlite:////copy.db", Dir: "/d", Environ: []string{"GITHUB_TOKEN=t", "PATH=/bin"},
		Env: []string{"ZENML_STORE_URL=sqlite:////real.db", "ZENML_CONFIG_PATH=/real", "ZENML_STORE_BACKUP_STRATEGY=dump-file"},
	}
	live := c
	live.Live, live.OwnBackup = true, true
	for _, w := range []struct {
		c                Config
		key, want, cause string
	}{
		{c, "ZENML_STORE_URL", "sqlite:////copy.db", "a copy must never open the real database"},
		{c, "ZENML_CONFIG_PATH", "/d/config", "a newer server rewrites the configuration"},
		{c, "ZENML_STORE_BACKUP_STRATEGY", "disabled", "our backup is proved, ZenML's is not"},
		{c, "GITHUB_TOKEN", "", "nothing of the workflow run passes"},
		{c, "PATH", "/bin", "paths pass"},
		{live, "ZENML_CONFIG_PATH", "/real", "the real server keeps its own"},
		{live, "ZENML_STORE_BACKUP_STRATEGY", "dump-file", "as the user set it"},
	} {
		if got := last(environment(w.c), w.key); got != w.want {
			t.Errorf("%s is %q, want %q: %s", w.key, got, w.want, w.cause)
		}
	}
}

// A copy's server gets nothing by which it could act on the outside world.
func TestSettingsWithoutReach(t *testing.T) {
	t.Parallel()
	keep := []string{"ZENML_SERVER_JWT_SECRET_KEY=j", "ZENML_DEFAULT_USER_NAME=u", "ZENML_STORE_POOL_SIZE=3", "PYTHONPATH=/flavors"}
	reach := []string{
		"ZENML_BACKUP_SECRETS_STORE_TYPE=aws", "ZENML_SERVER_PRO_API_URL=https://p", "ZENML_SERVER_OTEL_ENDPOINT=o", "OTEL_EXPORTER=o",
		"ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE=a.B", "ZENML_ANALYTICS_OPT_IN=true", "AWS_PROFILE=p", "GOOGLE_APPLICATION_CREDENTIALS=/g",
		"AZURE_CLIENT_ID=a", "VAULT_TOKEN=v", "KUBECONFIG=/k", "DOCKER_HOST=d",
	}
	inside := []string{"ZENML_SECRETS_STORE_TYPE=sql", "ZENML_SECRETS_STORE_ENCRYPTION_KEY=k"}
	outside := []string{"ZENML_SECRETS_STORE_TYPE=hashicorp", "ZENML_SECRETS_STORE_VAULT_ADDR=https://v"}
	for name, c := range map[string]struct{ env, want []string }{
		"secrets in the database":  {slices.Concat(keep, reach, inside), slices.Concat(keep, inside)},
		"an external store":        {slices.Concat(outside, keep, reach), keep},
		"no word of secrets":       {keep, keep},
		"no store, as ZENML names": {append([]string{"ZENML_SECRETS_STORE_TYPE=none"}, keep...), append([]string{"ZENML_SECRETS_STORE_TYPE=none"}, keep...)},
	} {
		if diff := cmp.Diff(c.want, withoutReach(c.env)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if got := SecretsStore(outside); got != "hashicorp" {
		t.Errorf("the store is %q", got)
	}
}

func TestProbeNotes(t *testing.T) {
	t.Parallel()
	type answer struct {
		at      float64 // seconds
		version string  // "" is no answer
	}
	for name, c := range map[string]struct {
		answers []answer
		seconds float64
		ok      bool
	}{
		"never down":         {answers: []answer{{0, "1"}, {1, "1"}}},
		"never up":           {answers: []answer{{0, ""}, {1, ""}}},
		"first up late":      {answers: []answer{{0, ""}, {1, "1"}, {2, "1"}}},
		"upgrade":            {answers: []answer{{0, "1"}, {1, ""}, {9, ""}, {10, "2"}, {11, "2"}}, seconds: 10, ok: true},
		"rollback":           {answers: []answer{{0, "1"}, {1, ""}, {5, "1"}}, seconds: 5, ok: true},
		"still down":         {answers: []answer{{0, "1"}, {1, ""}}},
		"blip before":        {answers: []answer{{0, "1"}, {1, ""}, {30, "1"}, {31, "1"}, {32, ""}, {35, "2"}}, seconds: 4, ok: true},
		"blip and rollback":  {answers: []answer{{0, "1"}, {1, ""}, {2, "1"}, {3, ""}, {10, "1"}}, seconds: 8, ok: true},
		"swap without a gap": {answers: []answer{{0, "1"}, {1, "2"}}, seconds: 1, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p Probe
			for _, a := range c.answers {
				p.note(at(a.at), a.version, a.version != "")
			}
			if got, ok := p.Downtime(); got != c.seconds || ok != c.ok {
				t.Errorf("downtime %v, %v; want %v, %v", got, ok, c.seconds, c.ok)
			}
		})
	}
}

func at(seconds float64) time.Time {
	return time.Unix(1000, 0).Add(time.Duration(seconds * float64(time.Second)))
}
