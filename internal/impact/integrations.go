package impact

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

var (
	integrationWord = regexp.MustCompile(`(?i)([\w:&./+-]+(?:[ -][\w:&./+-]+){0,2})\s+(integrations?\b)`)
	stackWord       = regexp.MustCompile(`(?i)\b(orchestrator|step operator|deployer|image builder|artifact store|container registry|experiment tracker|model registry|data validator|log store|alerter|annotator|feature store|flavou?r|stack)s?\b`)
	written         = map[string]string{"runai": "runai", "huggingface": "huggingface", "weightsbiases": "wandb", "wb": "wandb", "k8s": "kubernetes", "scikitlearn": "sklearn", "vertex": "gcp", "vertexai": "gcp", "sagemaker": "aws", "azureml": "azure", "amazon": "aws", "google": "gcp", "googlecloud": "gcp", "aws": "aws", "whylabs": "whylogs"}
)

func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

// integrationNames returns ZenML's integrations that a text names, by the names of their modules.
func (k *Known) integrationNames(text string) []string {
	all := map[string]string{}
	for _, s := range []*usage.Symbols{k.Old, k.New} {
		if s != nil {
			for name := range s.Integrations {
				if name != "integration" {
					all[squeeze(name)] = name
				}
			}
		}
	}
	for w, name := range written {
		if _, ok := all[squeeze(name)]; ok {
			all[w] = name
		}
	}
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n,;()[]\"'`*", r) })
	for i := range words {
		for n := min(3, len(words)-i); n > 0; n-- {
			if name, ok := all[squeeze(strings.Join(words[i:i+n], ""))]; ok {
				add(name)
				break
			}
		}
	}
	if len(out) == 0 { // one that neither installed version has, or no version is installed
		for _, m := range integrationWord.FindAllStringSubmatch(text, -1) {
			parts := strings.Fields(m[1])
			if last := parts[len(parts)-1]; squeeze(last) != "" && !slices.Contains(idle, strings.ToLower(last)) {
				add(strings.ToLower(strings.ReplaceAll(last, "-", "_")))
			}
		}
	}
	return out
}

// integration answers changes of ZenML's integrations. That of a stack component's flavor may hit a
// stack on the server that nothing in the repository names.
func (k *Known) integration(f *release.Finding, t told) (answer, bool) {
	first := opening(t.text)
	if k.Usage == nil || len(t.names) > 0 && f.Category != release.Dependency && !integrationWord.MatchString(first) {
		return answer{}, false
	}
	names := k.integrationNames(first)
	if len(names) == 0 || !integrationWord.MatchString(first) && !stackWord.MatchString(first) && f.Category != release.Dependency {
		return answer{}, false
	}
	var found []search
	for _, n := range k.withVariants(names) {
		found = append(found, k.lookIntegration(n))
	}
	a := k.sum(found)
	if a.affects == release.No && stackWord.MatchString(first) {
		a.affects, a.reason = release.Unknown, "The repository does not name it, but a stack on the server may use it."
		a.decide = "which flavors the server's stacks use: " + ask
	}
	return a, true
}

// withVariants adds skypilot_aws to skypilot.
func (k *Known) withVariants(names []string) []string {
	out := slices.Clone(names)
	for _, s := range []*usage.Symbols{k.Old, k.New} {
		if s == nil {
			continue
		}
		for _, v := range slices.Sorted(maps.Keys(s.Integrations)) {
			if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(v, n+"_") }) && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

func (k *Known) lookIntegration(name string) search {
	x := k.Usage
	s := search{what: "the integration " + name + " (imports, commands, settings, requirements)"}
	s.sure = append(s.sure, x.Python("zenml.integrations."+name)...)
	s.sure = append(s.sure, x.Python("zenml.integrations.constants."+strings.ToUpper(name))...)
	is := func(word string) bool {
		return word == name || squeeze(word) == squeeze(name)
	}
	for _, p := range x.All(usage.Command) {
		words := strings.Fields(p.Name)
		installs := len(words) > 2 && words[1] == "integration"
		for i, w := range words {
			flavor := i > 0 && (words[i-1] == "-f" || words[i-1] == "--flavor")
			if cut, ok := strings.CutPrefix(w, "--flavor="); ok {
				w, flavor = cut, true
			}
			if (installs || flavor) && is(w) && p.Unreached == "" {
				s.sure = append(s.sure, p)
			}
		}
	}
	for _, p := range x.All(usage.Value) {
		key, value, _ := strings.Cut(p.Text, "=")
		_, tail, dotted := strings.Cut(value, ".")
		if p.Unreached == "" && (strings.Contains(key, "integration") || strings.Contains(key, "flavor")) && is(value) || key == "settings" && dotted && is(tail) {
			s.sure = append(s.sure, p)
		}
	}
	for _, p := range x.All(usage.Word) {
		if is(p.Name) && (strings.Contains(p.Text, "integrations") || strings.HasSuffix(p.Text, "flavor")) {
			s.sure = append(s.sure, p)
		}
	}
	for _, p := range x.All(usage.Config) {
		parts := strings.Split(p.Name, ".")
		if n := len(parts); n > 2 && is(parts[n-1]) && slices.Contains(parts, "settings") && stackWord.MatchString(strings.ReplaceAll(parts[n-2], "_", " ")) {
			s.sure = append(s.sure, p)
		}
	}
	return k.withPackages(s, name)
}

// withPackages adds requirements and imports of the packages that carry the integration's name.
func (k *Known) withPackages(s search, name string) search {
	for _, symbols := range []*usage.Symbols{k.Old, k.New} {
		if symbols == nil {
			continue
		}
		for _, r := range symbols.Integrations[name] {
			if p := requirementName(r); strings.Contains(squeeze(p), squeeze(name)) {
				s.sure = append(s.sure, k.required(p).sure...)
			}
		}
	}
	s.sure = append(s.sure, k.required(name).sure...)
	return s
}

// required searches for a package: what asks for it, and imports of what it brings.
func (k *Known) required(name string) search {
	s := search{what: "requirements and imports of " + name}
	for _, set := range k.Sets {
		for _, l := range slices.Concat(set.Lines, set.Constraints) {
			if l.Name == pyenv.Normalize(name) {
				s.sure = append(s.sure, usage.Place{File: l.File, Line: l.Line, Kind: usage.Module, Name: l.Name})
			}
		}
	}
	if k.Usage != nil {
		for _, m := range k.modulesOf(name) {
			s.sure = append(s.sure, k.Usage.Modules(m)...)
		}
	}
	return s
}
