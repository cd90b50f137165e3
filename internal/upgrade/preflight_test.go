package upgrade

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCheckWayNamesStopsAndFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"0.85.0", "0.98.0", ""},
		{"0.20.5", "0.98.0", "path_needs_stops 0.54.0"},
		{"0.75.0", "0.80.0", "target_faulty 0.80.1"},
		{"", "0.98.0", ""},
	} {
		var p problems
		(&run{Options: Options{From: c.from, To: c.to}}).checkWay(&p)
		var got []string
		for _, x := range p {
			got = append(got, x.Code+" "+strings.Fields(x.Remedy)[2])
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s to %s: %v, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestBackupsStayOutOfWhatIsUploadedOrCleaned(t *testing.T) {
	t.Parallel()
	repo := t.TempDir()
	for dir, inside := range map[string]bool{
		repo: true, filepath.Join(repo, "backups"): true, filepath.Dir(repo): false, repo + "-backups": false, "/var/backups-of-nobody": false,
	} {
		var p problems
		(&run{Options: Options{BackupDir: dir, Workspace: []string{repo, filepath.Join(repo, ".zenml-upgrade")}}}).checkFolders(&p)
		if got := len(p.blocking()) > 0; got != inside {
			t.Errorf("%s: refused %v, want %v (%v)", dir, got, inside, p)
		}
	}
}

func TestALongerDowntimeThanAllowedStopsNothing(t *testing.T) {
	t.Parallel()
	predicted := 12.0
	driver := &still{}
	r := &run{Options: Options{MaxDowntime: 10 * time.Second, Driver: driver}, report: Report{PredictedDowntimeSeconds: &predicted}}
	_, err := r.lastLook(t.Context())
	if err == nil || !strings.Contains(err.Error(), "predicted downtime of 12s is above max-downtime (10s); nothing was stopped") {
		t.Errorf("got %v", err)
	}
	if len(driver.asked) > 0 {
		t.Errorf("the servers were touched: %v", driver.asked)
	}
}
