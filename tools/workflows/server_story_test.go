package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/act"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/port"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// serve starts a real server without content and writes it into the story's configuration, as the server
// of each of the example's environments.
func (s *story) serve(t *testing.T, version string) *world.World {
	t.Helper()
	w, err := world.Start(t.Context(), world.Options{Version: version, CacheDir: world.Need(t), Dir: t.TempDir(), Environ: machine.Environ(t), Empty: true, Port: port.For(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.Stop()
		if l, err := server.FindListener(w.Port); err == nil && l.IsZenML() { // what an upgrade left there
			_ = l.Stop(t.Context(), 10*time.Second)
		}
	})
	for _, environment := range []string{"staging", "production"} {
		s.place(t, w, environment)
	}
	return w
}

// place writes a server into the story's configuration, as an environment's.
func (s *story) place(t *testing.T, w *world.World, environment string) {
	t.Helper()
	s.repo.Git("checkout", "-q", "main")
	text := read(t, filepath.Join(s.repo.Dir, ".github", "zenml-upgrade.yml"))
	before, rest, found := strings.Cut(text, "\n  "+environment+":\n")
	if !found {
		t.Fatalf("the example has no environment %s", environment)
	}
	end := regexp.MustCompile(`(?m)^ {0,2}\S`).FindStringIndex(rest)
	mine, after := rest[:end[0]], rest[end[0]:]
	for key, v := range map[string]string{"server-url": w.URL, "python": w.Python, "env-file": w.EnvFile, "port": strconv.Itoa(w.Port)} {
		mine = regexp.MustCompile(`(?m)^(\s+`+key+`:).*$`).ReplaceAllString(mine, "${1} "+v)
	}
	s.base = s.repo.Commit(map[string]string{".github/zenml-upgrade.yml": before + "\n  " + environment + ":\n" + mine + after})
}

// dispatch are the options of a workflow that is started by hand for an environment, and its server's secrets.
func (s *story) dispatch(t *testing.T, w *world.World, environment, mode string, run int64) act.Options {
	t.Helper()
	s.github.AddToken("ghs_job", github.JobToken("deployments", "issues", "pull_requests"))
	prefix := strings.ToUpper(environment)
	return act.Options{
		Workflow: "zenml-" + environment + ".yml", Event: "workflow_dispatch", RunID: run, Token: "ghs_job",
		Payload: map[string]any{
			"inputs": map[string]any{"version": "0.98.0", "mode": mode, "environment": environment, "commit": s.base},
			"ref":    "refs/heads/main", "repository": map[string]any{"full_name": churn, "default_branch": "main"}, "sender": map[string]any{"login": "alice"},
		},
		Secrets: map[string]string{prefix + "_SERVER_TOKEN": w.APIKey, prefix + "_DATABASE_URL": w.StoreURL},
		Vars:    map[string]string{"ZENML_BACKUP_DIR": private(t)},
	}
}

// blocking are the codes of the problems that stand against an upgrade, as the uploaded result tells them.
func blocking(t *testing.T, r *act.Run, environment string) []string {
	t.Helper()
	var result struct {
		Problems []struct {
			Code   string `json:"code"`
			Blocks bool   `json:"blocks"`
		} `json:"problems"`
	}
	if err := json.Unmarshal(r.Artifacts["staging-upgrade-"+environment]["result.json"], &result); err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, p := range result.Problems {
		if p.Blocks {
			codes = append(codes, p.Code)
		}
	}
	slices.Sort(codes)
	return codes
}

// private is a folder that other users cannot read, as backups need it.
func private(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Staging, then production: each is planned on a real server with the secrets of its own environment, and no
// backup is uploaded. A runner without the program touches nothing.
func TestStagingThenProduction(t *testing.T) {
	t.Parallel()
	s := tell(t)
	w := s.serve(t, "0.97.0")
	for i, environment := range []string{"staging", "production"} {
		r := s.run(t, s.dispatch(t, w, environment, "plan", int64(20+i)))
		// Nothing was upgraded in staging and nothing rehearsed: production does not follow.
		want := map[string]string{"staging": "review", "production": "block"}[environment]
		if r.OK != (environment == "staging") || r.Outputs["staging-upgrade/upgrade/decision"] != want || !strings.Contains(r.Summary, "0.97.0 to 0.98.0") {
			t.Fatalf("%s: jobs %v, outputs %v:\n%s", environment, r.Jobs, r.Outputs, r.Log)
		}
		if got := blocking(t, r, environment); environment == "production" && !slices.Equal(got, []string{"gate_staging", "rehearsal_missing"}) || environment == "staging" && len(got) > 0 {
			t.Errorf("%s: what blocks is %v", environment, got)
		}
		if got := names(r.Artifacts["staging-upgrade-"+environment]); len(r.Artifacts) != 1 || strings.Join(got, " ") != "report.html report.md result.json" {
			t.Errorf("%s: uploaded %v", environment, got)
		}
		if strings.Contains(r.Log, w.APIKey) {
			t.Errorf("%s: the log holds the server's key", environment)
		}
	}
	// The secrets are the environment's own: with those of staging production has none.
	o := s.dispatch(t, w, "production", "plan", 22)
	o.Secrets = s.dispatch(t, w, "staging", "plan", 22).Secrets
	if r := s.run(t, o); r.OK || !strings.Contains(r.Log, "server-token is missing") || !strings.Contains(r.Log, "database-url is missing") {
		t.Errorf("without secrets: jobs %v:\n%s", r.Jobs, r.Log)
	}
	// What encrypts, keeps and opens backups reaches the program, which tells that none of it is any good here.
	o = s.dispatch(t, w, "staging", "plan", 29)
	o.Secrets["STAGING_BACKUP_IDENTITY"] = "AGE-SECRET-KEY-1NONE"
	o.Vars["ZENML_BACKUP_RECIPIENTS"], o.Vars["ZENML_BACKUP_DESTINATION"] = "nobody", "ftp://nowhere"
	r := s.run(t, o)
	for _, want := range []string{"backup-recipients holds something", "backup-destination is no place", "backup-identity holds no age identity"} {
		if r.OK || !strings.Contains(r.Log, want) || strings.Contains(r.Log, "SECRET-KEY-1NONE") {
			t.Errorf("no %q: jobs %v:\n%s", want, r.Jobs, r.Log)
		}
	}
	o = s.dispatch(t, w, "staging", "upgrade", 23)
	o.PATH = t.TempDir()
	if r := s.run(t, o); r.OK || r.Steps["staging-upgrade/upgrade"] != "" || !strings.Contains(r.Log, "nothing was touched") {
		t.Errorf("without the program: jobs %v, steps %v:\n%s", r.Jobs, r.Steps, r.Log)
	}
}

// The same with real upgrades of two servers, one after the other: production opens only after staging, at the
// same commit, and a rollback of staging by hand closes it again. What staging left is rehearsed at night.
func TestStagingThenProductionUpgraded(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	s := tell(t)
	w := s.serve(t, "0.97.0")
	live := s.serve(t, "0.97.0")
	s.place(t, w, "staging")
	commit := s.base
	folders := map[string]map[string]string{}
	do := func(w *world.World, environment, mode string, run int64, inputs map[string]any) *act.Run {
		o := s.dispatch(t, w, environment, mode, run)
		if folders[environment] == nil {
			folders[environment] = o.Vars
		}
		o.Vars = folders[environment]
		given := o.Payload.(map[string]any)["inputs"].(map[string]any) //nolint:forcetypeassert // made so
		given["commit"] = commit
		maps.Copy(given, inputs)
		return s.run(t, o)
	}
	must := func(r *act.Run, ok bool, summary string, problems ...string) {
		t.Helper()
		environment := "staging"
		if r.Artifacts["staging-upgrade-staging"] == nil {
			environment = "production"
		}
		if got := blocking(t, r, environment); r.OK != ok || !strings.Contains(r.Outputs["staging-upgrade/upgrade/summary"], summary) || !slices.Equal(got, problems) {
			t.Fatalf("%s: jobs %v, outputs %v, what blocks is %v:\n%s", environment, r.Jobs, r.Outputs, got, r.Log)
		}
	}
	must(do(live, "production", "rehearse", 30, nil), true, "")
	must(do(live, "production", "upgrade", 31, nil), false, "", "gate_staging")
	must(do(w, "staging", "upgrade", 32, nil), true, "The server was upgraded")
	must(do(live, "production", "plan", 33, nil), true, "")
	// Back by hand: the upgrade itself wrote, so that nothing is lost unasked.
	must(do(w, "staging", "rollback", 34, map[string]any{"accept-loss": "true"}), false, "The server was put back")
	must(do(live, "production", "plan", 35, nil), false, "", "gate_staging")
	must(do(w, "staging", "upgrade", 36, nil), true, "The server was upgraded")
	must(do(live, "production", "upgrade", 37, nil), true, "The server was upgraded")
	must(do(w, "staging", "verify", 38, nil), true, "")
	var states []string
	for _, d := range s.github.Deployments(churn) {
		line := d.Environment
		for _, state := range d.Statuses {
			line += " " + state.State
		}
		states = append(states, line)
	}
	want := []string{"staging queued in_progress success inactive", "staging queued in_progress success", "production queued in_progress success"}
	if d := cmp.Diff(want, states); d != "" {
		t.Error(d)
	}
	// The night asks no server: the backup of the evening is enough, with the key of its secrets.
	o := s.nightly(t, nil, 39)
	o.Vars, o.Env = folders["staging"], nil
	const file = ".github/workflows/zenml-nightly.yml"
	text := read(t, filepath.Join(s.repo.Dir, filepath.FromSlash(file)))
	s.repo.Commit(map[string]string{file: strings.Replace(text, "environment: staging\n", "environment: staging\n      version: 0.98.0\n", 1)})
	if r := s.run(t, o); !r.OK || r.Steps["rehearse/rehearse"] != "success" || !strings.Contains(r.Summary, "0.97.0 to 0.98.0") {
		t.Errorf("the night: jobs %v, steps %v, outputs %v:\n%s", r.Jobs, r.Steps, r.Outputs, r.Log)
	}
}

// nightly are the options of the nightly workflow, whose package index lists these versions of ZenML.
func (s *story) nightly(t *testing.T, secrets map[string]string, run int64, versions ...string) act.Options {
	t.Helper()
	links := ""
	for _, v := range versions {
		links += `<a href="zenml-` + v + `-py3-none-any.whl">zenml-` + v + `-py3-none-any.whl</a>` + "\n"
	}
	simple := files.Dir(t, map[string]string{"zenml/index.html": links})
	s.github.AddToken("ghs_job", github.JobToken())
	return act.Options{
		Workflow: "zenml-nightly.yml", Event: "schedule", RunID: run, Token: "ghs_job", Payload: map[string]any{"schedule": "17 2 * * *"}, Secrets: secrets,
		Vars: map[string]string{"ZENML_BACKUP_DIR": private(t)},
		Env:  map[string]string{"PIP_INDEX_URL": "file://" + simple, "UV_DEFAULT_INDEX": "file://" + simple, "ZENML_UPGRADE_CACHE": t.TempDir()},
	}
}

// The night: when nothing is newer it passes and says so. When something is, it is rehearsed; that it cannot
// be rehearsed, here for there is no such server, fails.
func TestNightlyRehearsal(t *testing.T) {
	t.Parallel()
	s := tell(t)
	s.repo.Git("checkout", "-q", "main")
	s.repo.Commit(map[string]string{"requirements-dev.txt": ""})
	r := s.run(t, s.nightly(t, nil, 40, "0.84.0", "0.85.0"))
	if !r.OK || r.Steps["rehearse/rehearse"] != "skipped" && r.Steps["rehearse/rehearse"] != "" || !strings.Contains(r.Summary, "0.85.0 is the newest release") {
		t.Errorf("nothing is newer: jobs %v, steps %v, outputs %v:\n%s", r.Jobs, r.Steps, r.Outputs, r.Log)
	}
	secrets := map[string]string{"STAGING_SERVER_TOKEN": "ZENKEY_none", "STAGING_DATABASE_URL": "sqlite:////nowhere/zenml.db"}
	r = s.run(t, s.nightly(t, secrets, 41, "0.85.0", "0.98.0"))
	if r.OK || r.Outputs["rehearse/newest/to"] != "0.98.0" || r.Steps["rehearse/rehearse"] != "failure" {
		t.Errorf("a newer release: jobs %v, steps %v, outputs %v:\n%s", r.Jobs, r.Steps, r.Outputs, r.Log)
	}
	got := map[string]bool{}
	for name := range r.Artifacts["nightly-rehearsal-staging"] {
		got[filepath.Dir(name)] = true
	}
	if !maps.Equal(got, map[string]bool{"release-check": true, "rehearsal": true}) {
		t.Errorf("uploaded %v", got)
	}
	// Without an index nobody knows what the newest release is: that is no night without one.
	r = s.run(t, s.nightly(t, secrets, 42))
	if r.OK || r.Steps["rehearse/rehearse"] != "failure" || !strings.Contains(r.Log, "to is missing") {
		t.Errorf("no index: jobs %v, steps %v, outputs %v:\n%s", r.Jobs, r.Steps, r.Outputs, r.Log)
	}
}
