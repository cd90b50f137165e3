package stagingupgrade

import (
	"os"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// deaf is a probe that hears half of the answers.
type deaf struct{ upgrade.Prober }

func (deaf) Unanswered() (unanswered, asked int) { return 1, 2 }

// A real server that has opened and does not serve well is ended and put back: nothing that ZenML
// writes by itself while it ends is taken for somebody's work.
func TestAnOpenedServerIsPutBack(t *testing.T) {
	t.Parallel()
	if os.Getenv("ZENML_UPGRADE_FULL") == "" {
		t.Skip("skipped: only with ZENML_UPGRADE_FULL (make test-full)")
	}
	s := newSite(t)
	writeConfig(t, s.repo, s.config+"    rollback: {watch: 2s, error-limit: 0.1, error-rate: restore}\n")
	s.change = append(s.change, func(o *upgrade.Options) {
		probe := o.Probe
		o.Probe = func(url string) upgrade.Prober { return deaf{probe(url)} }
	})
	res, err := s.act(t, s.inputs(upgrade.Upgrade))
	if err != nil || res.Outcome != upgrade.RolledBack || res.Decision != "block" || res.Failure == nil || len(res.WrittenSinceBackup) > 0 {
		dump(t, res)
		t.Fatalf("upgrade: %v", err)
	}
	s.isPutBack(t, res)
}
