// Package version orders ZenML versions and holds the tool's own.
package version

import (
	"fmt"
	"slices"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"
)

// Tool is this build's version; the linker sets it for a release.
var Tool = "0.1.0-dev"

// yanked lists releases that were withdrawn from the package index for failing migrations
// (ZenML's release notes of 0.56.2 and 0.35.1).
var yanked = []string{"0.35.0", "0.56.0", "0.56.1"}

// Yanked says whether ZenML withdrew this release.
func Yanked(v string) bool { return slices.Contains(yanked, v) }

// Valid returns an error when v is not a version in PyPI's own form (PEP 440).
func Valid(v string) error {
	if _, err := pep440.Parse(v); err != nil {
		return fmt.Errorf("%q is not a version such as 0.98.0", v)
	}
	return nil
}

// Compare orders two versions as PyPI does: negative when a is older than b. Text that is no
// version sorts before every version.
func Compare(a, b string) int {
	va, errA := pep440.Parse(a)
	vb, errB := pep440.Parse(b)
	switch {
	case errA != nil && errB != nil:
		return 0
	case errA != nil:
		return -1
	case errB != nil:
		return 1
	}
	return va.Compare(vb)
}

// Prerelease says whether v is a release candidate, alpha, beta or development version.
func Prerelease(v string) bool {
	p, err := pep440.Parse(v)
	return err == nil && p.IsPreRelease()
}

// Crossed returns the versions an upgrade passes, from < v <= to, oldest first, without
// prereleases (other than to itself).
func Crossed(all []string, from, to string) []string {
	var out []string
	for _, v := range all {
		if Compare(from, v) < 0 && Compare(v, to) <= 0 && (!Prerelease(v) || v == to) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, Compare)
	return slices.Compact(out)
}

// Allows says whether a Requires-Python range allows some release of a minor version.
func Allows(bounds, v string) bool {
	specs, err := pep440.NewSpecifiers(bounds)
	if err != nil {
		return false
	}
	tries := []string{v}
	if strings.Count(v, ".") == 1 {
		tries = []string{v + ".0", v + ".50"}
	}
	return slices.ContainsFunc(tries, func(t string) bool {
		p, err := pep440.Parse(t)
		return err == nil && specs.Check(p)
	})
}

// Canonical is one spelling of a version for all that are equal; text that is none stays as it is.
func Canonical(v string) string {
	p, err := pep440.Parse(v)
	if err != nil {
		return v
	}
	return p.String()
}
