package compat

import (
	"path"
	"regexp"
	"slices"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Settings name the part of a stack that they are for, as type.flavor: in Python and in notebooks as a
// string, in YAML as a key.
const partName = `((?:alerter|annotator|artifact_store|container_registry|data_validator|deployer|experiment_tracker|feature_store|image_builder|log_store|` +
	`model_deployer|model_registry|orchestrator|step_operator)\.[a-z0-9_]{1,64})`

var (
	partInCode = regexp.MustCompile(`["']` + partName + `\\?["']`)
	partAsKey  = regexp.MustCompile(`(?m)^[ \t]*["']?` + partName + `["']?[ \t]*:`)
)

// stackParts returns the parts of stacks that a repository's settings name, such as
// orchestrator.kubernetes, sorted.
func stackParts(tree *repo.Tree) []string {
	var out []string
	for _, file := range tree.Files {
		pattern := partAsKey
		switch ext := path.Ext(file); {
		case repo.IsPython(file):
			pattern = partInCode
		case ext != ".yaml" && ext != ".yml":
			continue
		}
		text, err := tree.Read(file)
		if err != nil {
			continue // what is too large for code names no settings
		}
		for _, m := range pattern.FindAllSubmatch(text, -1) {
			out = append(out, string(m[1]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
