package upgrade

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// A proof holds for one version, one database and one schema, for a while, and only beside the very
// backup that was rehearsed.
func TestARehearsalProvesOneUpgradeForAWhile(t *testing.T) {
	t.Parallel()
	r, _, change := opened(t)
	change("UPDATE alembic_version SET version_num = '0.85.0'")
	m, err := database.Verify(t.Context(), r.state.FinalBackup)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	downtime := 7.0
	r.BackupDir, r.From, r.To, r.Mode, r.RehearsalMaxAge = filepath.Dir(m.Path), "0.85.0", "0.98.0", Upgrade, time.Hour
	r.Now = func() time.Time { return now }
	code := func() string {
		var p problems
		r.checkRehearsed(t.Context(), &p)
		if len(p.blocking()) == 0 {
			return ""
		}
		return p[0].Code + ": " + p[0].What
	}
	expect := func(name, want string) {
		t.Helper()
		if got := code(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		verdict := gate.Open
		if want != "" {
			verdict = gate.Closed
		}
		if len(r.own) != 1 || r.own[0].Name != "rehearsal" || r.own[0].Verdict != verdict {
			t.Errorf("%s: gates %+v", name, r.own)
		}
	}
	expect("nothing was rehearsed", "rehearsal_missing: no rehearsal of the upgrade to 0.98.0 was made")
	r.state.BackupPath, r.report.PredictedDowntimeSeconds, r.report.Rehearsal = m.Path, &downtime, &Rehearsal{}
	if err := r.writeProof(t.Context()); err != nil || r.report.Rehearsal.Proof == nil {
		t.Fatal(err)
	}
	expect("just rehearsed", "")
	now = now.Add(time.Hour)
	expect("at the limit", "")
	now = now.Add(time.Second)
	expect("too old", "rehearsal_old: ")
	now = now.Add(-2 * time.Hour)
	expect("of tomorrow", "rehearsal_old: the newest rehearsal is dated")
	now = now.Add(time.Hour)
	r.To = "0.99.0"
	expect("another version", "it is of the version 0.98.0")
	r.To = "0.98.0"
	change("CREATE TABLE another (a TEXT)")
	expect("another schema", "the database's schema is another one now")
	change("DROP TABLE another")
	expect("the same schema again", "")
	proof := *r.report.Rehearsal.Proof
	text, err := os.ReadFile(proof)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"another database": {`"source": "`, `"source": "x`, "it is of another database"},
		"another backup":   {`"manifest_digest": "sha256:`, `"manifest_digest": "sha256:0`, "is not the one that was rehearsed"},
		"no proof":         {`zenml-upgrade/proof/v1`, `other`, "it is no proof of this tool's"},
	} {
		if err := os.WriteFile(proof, []byte(strings.Replace(string(text), c.old, c.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		expect(name, c.want)
	}
	if err := os.WriteFile(proof, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(m.Path, "zenml.db"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("x")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	expect("a backup that was changed", "its files were changed")
	r.BackupDir = ""
	var p problems
	if r.checkRehearsed(t.Context(), &p); len(p) != 1 || p[0].Code != "rehearsal_unknown" || p[0].Blocks || r.own[0].Verdict != gate.Unknown {
		t.Errorf("without a backup-dir: %+v", p)
	}
	r.RehearsalMaxAge, r.own, p = 0, nil, nil
	if r.checkRehearsed(t.Context(), &p); len(p) > 0 || len(r.own) > 0 {
		t.Errorf("none is asked for: %+v, %+v", p, r.own)
	}
}
