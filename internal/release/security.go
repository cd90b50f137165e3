package release

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

var advisoryID = regexp.MustCompile(`(?i)\bCVE-\d{4}-\d{4,}\b|\bGHSA(-[0-9a-z]{4}){3}\b`)

// MarkSecurity notes on security fixes that notes tell of which advisories they name, and that the
// version in use is exposed: what was fixed in a version is open in all before it.
func MarkSecurity(findings []Finding, from string) {
	for i := range findings {
		f := &findings[i]
		if f.Category != Security || f.Source != "notes" {
			continue
		}
		for _, id := range advisoryID.FindAllString(f.Text, -1) {
			if id = strings.ToUpper(id); !slices.Contains(f.CVEs, id) {
				f.CVEs = append(f.CVEs, id)
			}
		}
		if (len(f.CVEs) > 0 || advisory.in(hear(f.Text))) && version.Compare(from, f.Version) < 0 {
			text := fmt.Sprintf("fixed in %s: every version below it is exposed, %s that is in use too", f.Version, from)
			f.Exposed = &text
		}
	}
}
