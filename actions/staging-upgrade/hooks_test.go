package stagingupgrade

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// byHooks makes the site a deployment that a script runs.
func (s *site) byHooks(t *testing.T) {
	t.Helper()
	next, err := world.Interpreter(t.Context(), os.Environ(), s.cache, "0.98.0", "")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "server.sh"))
	if err != nil {
		t.Fatal(err)
	}
	settings, err := os.ReadFile(s.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.repo, "deploy")
	pid, _ := s.Server.Child()
	var hooks strings.Builder
	for _, name := range append(slices.Clone(config.HookNames), config.HookRun) {
		fmt.Fprintf(&hooks, "      %s: sh deploy/server.sh %s\n", name, name)
	}
	for path, text := range map[string]string{
		"deploy/server.sh":  string(script),
		"deploy/server.env": string(settings),
		"deploy/settings":   fmt.Sprintf("PORT=%d\nOLD=%s\nPYTHON_OLD=%s\nPYTHON_NEW=%s\n", s.Port, s.Version, s.Python, next),
		// The world's own server is what runs now.
		"deploy/public.pid": fmt.Sprint(pid), "deploy/public.version": s.Version,
		config.DefaultPath: fmt.Sprintf("environments:\n  staging:\n    kind: staging\n    server-url: %s\n    driver: command\n"+
			"    command: {python: \"3.11\", env-file: deploy/server.env}\n    hooks:\n%s%s", s.URL, hooks.String(), teamsPipelines),
		"pipelines.py": teamsCode,
	} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.repo, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// smokeInPublic has the smoke pipeline run on the public address.
func (s *site) smokeInPublic(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.repo, config.DefaultPath)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(text), "    driver: command\n", "    driver: command\n    smoke: public\n", 1)
	if err := os.WriteFile(path, []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A deployment that something else runs: first its hook fails and everything is put back, then the
// upgrade succeeds.
func TestUpgradeByHooksOnARealServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.byHooks(t)
	refuse := filepath.Join(s.repo, "deploy", "refuse")
	if err := os.WriteFile(refuse, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := s.content(t)
	res, err := s.act(t, s.inputs(upgrade.Upgrade))
	if err != nil || res.Outcome != upgrade.RolledBack || res.Failure == nil || !strings.Contains(res.Failure.Message, "no room on the node") {
		dump(t, res)
		t.Fatalf("a failing hook: %v", err)
	}
	if s.version(t) != "0.85.0" {
		t.Error("the old version does not answer")
	}
	if diff := beyondUse(before.Diff(s.content(t))); len(diff) > 0 {
		t.Errorf("after the way back: %v", diff)
	}
	if err := os.Remove(refuse); err != nil {
		t.Fatal(err)
	}
	s.smokeInPublic(t)
	res, err = s.act(t, s.inputs(upgrade.Upgrade))
	if err != nil || res.Outcome != upgrade.Upgraded || s.version(t) != "0.98.0" {
		dump(t, res)
		t.Fatalf("upgrade: %v", err)
	}
	if res.DowntimeSeconds == nil || *res.DowntimeSeconds <= 0 || res.PredictedDowntimeSeconds == nil {
		t.Errorf("downtime %v, predicted %v", res.DowntimeSeconds, res.PredictedDowntimeSeconds)
	}
	s.ranHere(t, "light_one", "light_two")
	if last := res.Checks[len(res.Checks)-1]; last.Name != "smoke pipeline" || last.Server != "real" || last.Status != upgrade.Passed || res.SmokeSeconds == nil {
		t.Errorf("the last check: %+v", last)
	}
	want := []string{
		"pipeline:light_one passed real", "pipeline:heavy skipped real", "pipeline:never skipped real", "pipeline:light_two passed real", "snapshot:read skipped real",
		"snapshot_recreated:light_one passed real", "snapshot_executed:light_one skipped real", "snapshot_recreated:light_two passed real", "snapshot_executed:light_two skipped real",
	}
	if d := cmp.Diff(want, teamChecks(res)); d != "" {
		t.Error(d)
	}
	if text, err := os.ReadFile(filepath.Join(s.repo, "deploy", "ran")); err != nil || string(text) != "light_one\nlight_two\n" {
		t.Errorf("the hook run was called for %q: %v", text, err)
	}
	t.Logf("downtime %.1f s, predicted %.1f s", *res.DowntimeSeconds, *res.PredictedDowntimeSeconds)
	if _, err := os.Stat(filepath.Join(s.repo, "deploy", "private.pid")); err == nil {
		t.Error("the private server still runs")
	}
}

// A log-in that leaves no mark: the database named is a copy of the server's.
func TestHooksRefuseAnotherDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.byHooks(t)
	copied := filepath.Join(t.TempDir(), "zenml.db")
	data, err := os.ReadFile(s.DBPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	in := s.inputs(upgrade.Plan)
	in.DatabaseURL = "sqlite:///" + copied
	res, err := s.act(t, in)
	if err != nil || res.Decision != "block" || !strings.Contains(fmt.Sprint(res.Problems), "other_database") {
		dump(t, res)
		t.Errorf("a copy was taken for the server's database: %v", err)
	}
	in.DatabaseURL = s.StoreURL
	if res, err = s.act(t, in); err != nil || strings.Contains(fmt.Sprint(res.Problems), "other_database") {
		t.Errorf("the server's own database was refused: %v %v", res.Problems, err)
	}
}
