package upgrade

import (
	"strings"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
)

// The drill proves what one program with its options writes, and nothing about another.
func TestTheFinalBackupIsMadeAsTheDrilledOne(t *testing.T) {
	t.Parallel()
	drilled := database.Manifest{Engine: "mysqldump", EngineVersion: "Ver 8.0.36", Options: []string{"--single-transaction"}}
	for name, c := range map[string]struct {
		change func(m *database.Manifest)
		want   string // in the error; "": none
	}{
		"the same":      {func(*database.Manifest) {}, ""},
		"other program": {func(m *database.Manifest) { m.Engine = "mariadb-dump" }, "mariadb-dump"},
		"updated":       {func(m *database.Manifest) { m.EngineVersion = "Ver 8.0.37" }, "8.0.37"},
		"other options": {func(m *database.Manifest) { m.Options = []string{"--quick"} }, "--quick"},
		"no options":    {func(m *database.Manifest) { m.Options = nil }, "not proved"},
	} {
		final := drilled
		c.change(&final)
		err := sameMeans(&drilled, &final)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
