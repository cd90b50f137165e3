package stagingupgrade

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/sabotage"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// binary builds the program as users run it.
func binary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "zenml-upgrade")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return path
}

// program is the program's command line for this site; the secrets are in its environment.
func (s *site) program(t testing.TB, path string, mode upgrade.Mode) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, "staging-upgrade", "--mode", string(mode), "--to", "0.98.0", "--repository-path", s.repo,
		"--output-dir", s.out, "--backup-dir", s.backups, "--artifact-root", s.StoresPath, "--prove-rollback", "false", "--old-clients", "false")
	cmd.Env = append(os.Environ(), "ZENML_UPGRADE_CACHE="+s.cache, "ZENML_UPGRADE_SERVER_TOKEN="+s.APIKey, "ZENML_UPGRADE_DATABASE_URL="+s.StoreURL)
	var told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &told, &told
	return cmd, &told
}

func exitStatus(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// The whole program dies while the new version migrates: the next run puts everything back.
func TestAProgramKilledWhileMigratingIsRolledBackByTheNextRun(t *testing.T) {
	t.Parallel()
	path, s := binary(t), newSite(t)
	first, told := s.program(t, path, upgrade.Upgrade)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	killed := sabotage.Migration(t.Context(), filepath.Join(s.backups, "state"), s.StoreURL, "0.85.0", func(int) int { return first.Process.Pid })
	err := first.Wait()
	if kill := <-killed; kill != nil || exitStatus(t, err) != -1 {
		t.Fatalf("the program was not killed: %v, %v\n%s", kill, err, told)
	}

	second, told := s.program(t, path, upgrade.Upgrade)
	if got := exitStatus(t, second.Run()); got != 4 {
		t.Fatalf("exit status %d, want 4\n%s", got, told)
	}
	text, err := os.ReadFile(filepath.Join(s.out, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	var res Result
	if err := json.Unmarshal(text, &res); err != nil {
		t.Fatal(err)
	}
	if res.Outcome != upgrade.RolledBack || res.Decision != "block" || res.Failure == nil || res.Failure.Step != "migrate" {
		t.Errorf("result: %s", text)
	}
	if res.From == nil || *res.From != "0.85.0" {
		t.Errorf("from is %v", res.From)
	}
	if c := res.Content; c == nil || c.After == nil || *c.After != c.Before {
		t.Errorf("content: %+v", c)
	}
	if s.version(t) != "0.85.0" {
		t.Error("the old version does not answer")
	}
	if res.Backup == nil {
		t.Fatal("the backup that was restored is not named")
	}
	m, err := database.Verify(t.Context(), res.Backup.Path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := m.Fingerprint().Diff(s.content(t)); len(beyondUse(diff)) > 0 {
		t.Errorf("after the rollback: %v", diff)
	}
	plan, err := s.act(t, s.inputs(upgrade.Plan))
	if err != nil || plan.Decision == "block" {
		t.Errorf("after the rollback an upgrade is not possible: %v, %+v", err, plan.Problems)
	}
}
