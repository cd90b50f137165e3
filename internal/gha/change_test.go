package gha

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

func env(values map[string]string) func(string) string {
	return func(key string) string { return values[key] }
}

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "events", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// The payloads are GitHub's own (npm @octokit/webhooks-examples); the pull request is Dependabot's by
// its user, title and branch alone.
func TestThePayloadsAreGitHubs(t *testing.T) {
	t.Parallel()
	github.CheckEvent(t, "webhook-pull-request-opened", sample(t, "dependabot-opened.json"))
	github.CheckEvent(t, "webhook-merge-group-checks-requested", sample(t, "merge-group.json"))
}

func TestReadChange(t *testing.T) {
	t.Parallel()
	pull := filepath.Join("testdata", "events", "dependabot-opened.json")
	for name, tc := range map[string]struct {
		env  map[string]string
		want *ChangeEvent
	}{
		"outside a runner": {nil, nil},
		"a pull request, started again by a person": {
			map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": pull, "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "c", "GITHUB_ACTOR": "mallory"},
			&ChangeEvent{Name: "pull_request", Repository: "a/b", SHA: "c", Change: &Change{
				Number: 2, Author: "dependabot[bot]", Title: "build(deps): bump zenml from 0.85.0 to 0.98.0", Branch: "dependabot/pip/zenml-0.98.0",
				Base: "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", Head: "ec26c3e57ca3a959ca5aad62de7213c562f8c821", Bot: true,
			}},
		},
		"a merge group": {
			map[string]string{"GITHUB_EVENT_NAME": "merge_group", "GITHUB_EVENT_PATH": filepath.Join("testdata", "events", "merge-group.json")},
			&ChangeEvent{Name: "merge_group", Change: &Change{
				Branch: "refs/heads/gh-readonly-queue/main/pr-104-929f8209d40f77f4abc622a499c93a83babdbe64",
				Base:   "380387fbc80638b734a49e1be1c4dfec1c01b33c", Head: "2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d",
			}},
		},
		"a schedule, whose payload says nothing of commits": {map[string]string{"GITHUB_EVENT_NAME": "schedule", "GITHUB_EVENT_PATH": "none"}, &ChangeEvent{Name: "schedule"}},
	} {
		got, err := ReadChange(env(tc.env))
		if d := cmp.Diff(tc.want, got); d != "" || err != nil {
			t.Errorf("%s: %v: %s", name, err, d)
		}
	}
}

func TestBadPayloads(t *testing.T) {
	t.Parallel()
	whole := string(sample(t, "dependabot-opened.json"))
	dir := t.TempDir()
	for name, tc := range map[string]struct{ text, want string }{
		"cut short":       {whole[:len(whole)/2], "unexpected end of JSON"},
		"empty":           {"", "unexpected end of JSON"},
		"another event":   {`{"issue": {"number": 1}}`, "another event"},
		"of a group":      {string(sample(t, "merge-group.json")), "another event"},
		"null":            {`{"pull_request": null}`, "another event"},
		"a list":          {`[1]`, "cannot unmarshal"},
		"no commits":      {`{"pull_request": {"number": 1}}`, "names no commits"},
		"hostile commits": {strings.Replace(whole, "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "--upload-pack=x", 1), "names no commits"},
		"huge":            {`{"x": "` + strings.Repeat("x", largestEvent) + `"}`, "larger than 32 MiB"},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := ReadChange(env(map[string]string{"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path}))
		if err == nil || !strings.Contains(err.Error(), tc.want) || e != nil || fault.IsInput(err) {
			t.Errorf("%s gives %v, %v", name, e, err)
		}
	}
	for _, path := range []string{"", dir, filepath.Join(dir, "gone"), "/dev/zero"} {
		if _, err := ReadChange(env(map[string]string{"GITHUB_EVENT_NAME": "pull_request_target", "GITHUB_EVENT_PATH": path})); err == nil {
			t.Errorf("%q was read", path)
		}
	}
}

// Whatever a payload holds, it gives two commits or an error.
func FuzzEvent(f *testing.F) {
	f.Add(sample(f, "dependabot-opened.json"), false)
	f.Add(sample(f, "merge-group.json"), true)
	f.Add([]byte(`{"pull_request":{"number":1e99,"base":{"sha":"`+strings.Repeat("a", 40)+`"},"head":[]}}`), false)
	f.Fuzz(func(t *testing.T, data []byte, group bool) {
		c, err := parseChange(data, group)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if c != nil && (!fullSHA.MatchString(c.Base) || !fullSHA.MatchString(c.Head)) {
			t.Fatalf("commits %q, %q", c.Base, c.Head)
		}
	})
}
