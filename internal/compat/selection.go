package compat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// sampleSize is how many artifact versions a sample holds: enough for every pair of type and
// materializer that teams have, and loaded by both versions within a minute.
const sampleSize = 200

// Selection says which artifact versions are loaded. The zero value is none.
type Selection struct {
	Most int // at most so many; -1: all
}

// ParseSelection reads sample, all, none or a number.
func ParseSelection(text string) (Selection, error) {
	switch text = strings.TrimSpace(text); text {
	case "", "sample":
		return Selection{sampleSize}, nil
	case "all":
		return Selection{-1}, nil
	case "none":
		return Selection{}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return Selection{}, fmt.Errorf("%q is neither sample, all, none nor a number above 0", text)
	}
	return Selection{n}, nil
}

// choose picks artifact versions, the newest of each pair of type and materializer in turn, so
// that what is rare is among them. all is oldest first. unseen names the pairs of which none was
// picked.
func (s Selection) choose(all []zenml.ArtifactVersion) (chosen []zenml.ArtifactVersion, unseen []string) {
	if s.Most < 0 || s.Most >= len(all) {
		return all, nil
	}
	strata, names := map[string][]zenml.ArtifactVersion{}, []string{}
	for _, v := range slices.Backward(all) {
		name := v.Type + " kept by " + v.Materializer
		if _, ok := strata[name]; !ok {
			names = append(names, name)
		}
		strata[name] = append(strata[name], v)
	}
	for round := 0; len(chosen) < s.Most; round++ {
		for _, name := range names {
			if round < len(strata[name]) && len(chosen) < s.Most {
				chosen = append(chosen, strata[name][round])
			}
		}
	}
	if s.Most < len(names) {
		unseen = slices.Sorted(slices.Values(names[s.Most:]))
	}
	return chosen, unseen
}
