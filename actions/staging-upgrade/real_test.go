package stagingupgrade

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/command"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/progress"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/sabotage"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// site is a real server of the old version and a repository that knows it.
type site struct {
	*world.World
	repo, out, backups string
	cache, config      string
	environ            []string // beside the machine's
	change             []func(*upgrade.Options)
	calls              atomic.Int32 // of the server's processes to a place outside, one at every start
}

// phone is what a team's own start-up code may do: call some place. Every server started with the
// site's settings runs it.
const phone = "import socket\ntry:\n    socket.create_connection((%q, %d), 5).close()\nexcept OSError:\n    pass\n"

// watchCalls makes the site's servers call out when they start, from their next start on.
func (s *site) watchCalls(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.calls.Add(1)
			_ = c.Close()
		}
	}()
	dir := t.TempDir()
	text := fmt.Sprintf(phone, "127.0.0.1", l.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(filepath.Join(dir, "sitecustomize.py"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(s.EnvFile, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "PYTHONPATH=%s\n", dir); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// schedule makes an active schedule for the site's pipeline.
func (s *site) schedule(t *testing.T) {
	t.Helper()
	pipelines, err := s.Admin.List(t.Context(), "/pipelines", nil)
	if err != nil || len(pipelines) == 0 {
		t.Fatalf("%d pipelines: %v", len(pipelines), err)
	}
	projects, err := s.Admin.List(t.Context(), "/projects", nil)
	if err != nil {
		t.Fatal(err)
	}
	var made any
	if err := s.Admin.Post(t.Context(), "/schedules", map[string]any{
		"name": "every minute", "active": true, "cron_expression": "* * * * *", "catchup": true,
		"orchestrator_id": nil, "pipeline_id": pipelines[0]["id"], "project": projects[0]["id"],
	}, &made); err != nil {
		t.Fatal(err)
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOn(t, "")
}

// newSiteOn is newSite on an empty database; "" is a SQLite file.
func newSiteOn(t testing.TB, storeURL string) *site {
	t.Helper()
	return newSiteOf(t, "0.85.0", storeURL)
}

// newSiteOf is newSiteOn with a server of another version.
func newSiteOf(t testing.TB, release, storeURL string) *site {
	t.Helper()
	w := world.On(t, release, storeURL)
	s := &site{World: w, repo: t.TempDir(), out: t.TempDir(), backups: filepath.Join(t.TempDir(), "backups"), cache: world.Need(t)}
	t.Cleanup(func() { s.stopAll(t) })
	s.config = fmt.Sprintf("environments:\n  staging:\n    kind: staging\n    server-url: %s\n    local: {python: %s, env-file: %s, port: %d}\n", w.URL, w.Python, w.EnvFile, w.Port)
	writeConfig(t, s.repo, s.config)
	return s
}

// stopAll ends our own server and the one that an upgrade left on its port.
func (s *site) stopAll(t testing.TB) {
	t.Helper()
	s.Stop()
	if l, err := server.FindListener(s.Port); err == nil && l.IsZenML() {
		if err := l.Stop(context.Background(), 10*time.Second); err != nil {
			t.Error(err)
		}
	}
}

func (s *site) inputs(mode upgrade.Mode) Inputs {
	return Inputs{
		Mode: string(mode), To: "0.98.0", ServerToken: s.APIKey, DatabaseURL: s.StoreURL,
		BackupDir: s.backups, ArtifactRoot: s.StoresPath, OldClients: "false", ProveRollback: "false",
	}
}

// act runs the action and returns its result.
func (s *site) act(t testing.TB, in Inputs) (*Result, error) {
	t.Helper()
	a := &stagingUpgrade{in: in, change: s.change}
	rt := &action.Runtime{
		Environ: append(dbserver.Environ(t), s.environ...), Progress: progress.New(testWriter{t}, false), Now: time.Now, OutDir: s.out, CacheDir: s.cache, Repo: s.repo,
	}
	if err := a.Check(t.Context(), rt); err != nil {
		t.Fatal(err)
	}
	res, err := a.Run(t.Context(), rt)
	if res == nil {
		return nil, err
	}
	return res.(*Result), err
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

func (s *site) content(t *testing.T) database.Fingerprint {
	t.Helper()
	db, err := database.Open(s.StoreURL, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := db.Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// beyondUse leaves out what ZenML itself writes whenever it is used: when a key logged in and when
// somebody was last active.
func beyondUse(diff []string) []string {
	return slices.DeleteFunc(slices.Clone(diff), func(d string) bool {
		return strings.Contains(d, `"api_key"`) || strings.Contains(d, `"server_settings"`)
	})
}

func (s *site) version(t *testing.T) string {
	t.Helper()
	v, err := zenml.New(s.URL).Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func dump(t testing.TB, r *Result) {
	t.Helper()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(string(b))
}

func TestPlanThenUpgradeOnARealServer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.watchCalls(t)
	s.schedule(t)
	before := s.content(t)
	s.config += "    environment-url: https://zenml.example.org\n"
	s.brings(t, teamsPipelines)
	h := newHub(t, s.config)
	s.environ = h.environ
	h.Label(churn, 7, "will", command.Label, true)
	in := h.ask(s.inputs(upgrade.Plan), "ann", "/zenml-upgrade upgrade 0.98.0")
	in.MaintenanceWindow = time.Now().UTC().Format("2006-01-02T15:04") + "/2h UTC"
	plan := in
	plan.StagingURL, plan.StagingToken, plan.StagingDatabaseURL = s.URL, s.APIKey, s.StoreURL
	res, err := s.act(t, plan)
	if err != nil || res.Outcome != upgrade.Planned || res.ReasonCode != "gate_hold" {
		dump(t, res)
		t.Fatalf("plan: %v", err)
	}
	s.isPlanned(t, res)
	h.Label(churn, 7, "will", command.Label, false)
	if diff := before.Diff(s.content(t)); len(beyondUse(diff)) > 0 {
		t.Errorf("plan changed something: %v", diff)
	}
	if _, err := os.Stat(s.backups); err == nil {
		t.Error("plan made the folder for backups")
	}

	s.refusesWhatIsNotKept(t)
	kept, id := s.keeping(t)
	in.Mode, in.ProveRollback, in.DrainTimeout = string(upgrade.Upgrade), "", "5m"
	in.BackupRecipients, in.BackupDestination = kept.BackupRecipients, kept.BackupDestination
	res, err = s.act(t, in)
	if err != nil || res.Outcome != upgrade.Upgraded || res.Decision == "block" {
		dump(t, res)
		t.Fatalf("upgrade: %v", err)
	}
	if d := cmp.Diff([]string{"window open", "comment open", "hold open"}, verdicts(res.Gates)); d != "" || res.AskedBy == nil || *res.AskedBy != "ann" {
		t.Errorf("asked by %v; %s", res.AskedBy, d)
	}
	s.isKept(t, res, in.BackupDestination, id)
	s.wentBack(t, res)
	if !strings.Contains(fmt.Sprint(res.Problems), "schedules_not_held") {
		t.Errorf("0.85.0 takes no change of a schedule, and that is not told: %+v", res.Problems)
	}
	if s.version(t) != "0.98.0" {
		t.Error("the public address does not answer with the new version")
	}
	if res.DowntimeSeconds == nil || *res.DowntimeSeconds <= 0 || res.Backup.Drill == nil || !res.Backup.Drill.Passed || res.Backup.Drill.Secret != "decrypted" {
		dump(t, res)
		t.Error("no downtime was measured, or the drill did not pass")
	}
	// On the real database the new server called, the old one, put back, and the new one again; those of
	// the copies, two, never did.
	if d := res.Backup.Drill; d != nil && (s.calls.Load() != 3 || d.Switched != 1 || d.Isolation == "") {
		t.Errorf("%d calls from outside the copies, want 3; drill: %+v", s.calls.Load(), d)
	}
	if res.Artifacts == nil || res.Artifacts.Same == 0 || len(res.Artifacts.Broken) > 0 {
		t.Errorf("artifacts: %+v", res.Artifacts)
	}
	checkChecks(t, res)
	s.ranHere(t)
	if files, err := res.Files(); err != nil || !strings.Contains(string(files["journal.jsonl"]), `"step":"migrate"`) {
		t.Errorf("the journal beside the result: %d files, %v", len(files), err)
	}
	res, err = s.act(t, in)
	if err != nil || res.Outcome != upgrade.Refused || s.version(t) != "0.98.0" {
		dump(t, res)
		t.Errorf("a second upgrade was not refused: %v", err)
	}
	if d := cmp.Diff([]string{"staging ZenML 0.98.0 queued in_progress success"}, h.became()); d != "" {
		t.Error(d)
	}
	if url := h.Deployments(churn)[0].Statuses[2].EnvironmentURL; url != "https://zenml.example.org" {
		t.Errorf("the environment's page shows %q", url)
	}
}

func TestAServerKilledWhileMigratingIsRolledBackExactly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	killed := sabotage.Migration(t.Context(), filepath.Join(s.backups, "state"), s.StoreURL, "0.85.0", func(pid int) int { return pid })
	res, err := s.act(t, s.inputs(upgrade.Upgrade))
	if kill := <-killed; kill != nil {
		t.Fatal(kill)
	}
	if err != nil || res.Outcome != upgrade.RolledBack || res.Decision != "block" || res.ReasonCode != "rolled_back" {
		dump(t, res)
		t.Fatalf("upgrade: %v", err)
	}
	if res.Failure == nil || res.Failure.Step != "migrate" || res.Failure.Revision == "0.85.0" || res.Failure.Revision == "0.98.0" {
		t.Errorf("failure: %+v", res.Failure)
	}
	s.isPutBack(t, res)
}

// isPutBack wants the old version to answer on exactly the content that the final backup holds.
func (s *site) isPutBack(t *testing.T, res *Result) {
	t.Helper()
	if c := res.Content; c == nil || c.After == nil || *c.After != c.Before {
		t.Errorf("content: %+v", c)
	}
	if s.version(t) != "0.85.0" {
		t.Error("the old version does not answer")
	}
	m, err := database.Verify(t.Context(), res.Backup.Path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := m.Fingerprint().Diff(s.content(t)); len(beyondUse(diff)) > 0 {
		t.Errorf("after the rollback: %v", diff)
	}
}
