package action

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Versions tells the faults of the inputs from and to that are seen without the package index. An
// empty one is not judged: whether it may be missing is the action's own rule.
func Versions(from, to string) error {
	var faults []error
	for _, in := range named(from, to) {
		if err := version.Valid(in.text); err != nil {
			faults = append(faults, fault.BadInput(fmt.Sprintf("%s: %v", in.name, err), "give a released version of ZenML"))
		} else if version.Yanked(in.text) {
			faults = append(faults, fault.BadInput(fmt.Sprintf("%s: ZenML %s was withdrawn for failing migrations", in.name, in.text), "give the release after it"))
		}
	}
	comparable := from != "" && to != "" && version.Valid(from) == nil && version.Valid(to) == nil
	if comparable && version.Compare(from, to) >= 0 {
		faults = append(faults, fault.BadInput(fmt.Sprintf("from %s is not below to %s", from, to), "give a newer to; ZenML cannot be downgraded"))
	}
	return errors.Join(faults...)
}

// Released tells which of from and to the package index does not list, written as there: servers
// and databases name their version so. all is what it lists, newest first.
func Released(all []string, from, to string) error {
	var faults []error
	for _, in := range named(from, to) {
		// What is no version, or was withdrawn, is told by Versions.
		if version.Valid(in.text) != nil || version.Yanked(in.text) || slices.Contains(all, in.text) {
			continue
		}
		next := "give a released version"
		if near := nearest(in.text, all); near != "" {
			next += ", such as " + near
		}
		faults = append(faults, fault.BadInput(fmt.Sprintf("%s: ZenML %s is not on the package index", in.name, in.text), next))
	}
	return errors.Join(faults...)
}

type namedVersion struct{ name, text string }

func named(from, to string) []namedVersion {
	return slices.DeleteFunc([]namedVersion{{"from", from}, {"to", to}}, func(in namedVersion) bool { return in.text == "" })
}

// nearest is the version that was probably meant, else the release next below.
func nearest(v string, all []string) string {
	if i := slices.IndexFunc(all, func(a string) bool { return version.Compare(a, v) == 0 }); i >= 0 {
		return all[i]
	}
	if near := fault.Near(v, all); near != "" {
		return near
	}
	for _, a := range all {
		if version.Compare(a, v) < 0 && !version.Prerelease(a) {
			return a
		}
	}
	return ""
}
