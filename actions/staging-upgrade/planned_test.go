package stagingupgrade

import (
	"slices"
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// wentBack wants the way back to have been gone and proved before the upgrade stayed.
func (s *site) wentBack(t *testing.T, res *Result) {
	t.Helper()
	p := res.RollbackProof
	if p == nil || p.ContentBefore == "" || p.ContentBefore != p.ContentAfter || p.DowntimeSeconds == nil || *p.DowntimeSeconds <= 0 {
		t.Errorf("proof of the rollback: %+v", p)
	}
	var undone []string
	for _, step := range res.Steps {
		if step.Status == upgrade.Undone && strings.HasPrefix(step.Name, "undo ") {
			undone = append(undone, step.Name)
		}
	}
	if want := []string{"undo migrate", "undo stop the old server", "undo load the new version", "undo drain"}; !slices.Equal(undone, want) {
		t.Errorf("taken back: %q, want %q", undone, want)
	}
}

// isPlanned wants the inventory to be whole, and the server to be like the one that it was compared
// with: itself.
func (s *site) isPlanned(t *testing.T, res *Result) {
	t.Helper()
	if st := res.Staging; st == nil || st.Why != "" || st.Differences == nil || len(st.Differences) > 0 {
		t.Errorf("compared with itself: %+v", st)
	}
	if len(res.Inventory) != 1 {
		t.Fatalf("inventory: %+v", res.Inventory)
	}
	p := res.Inventory[0]
	if p.Integrations == nil || p.Stack == nil || p.LastRun == nil || p.MedianSeconds == nil || p.CrossesWindow == nil || !*p.CrossesWindow {
		t.Errorf("inventory: %+v", p)
	}
}
