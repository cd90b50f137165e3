package impact

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

var (
	removes   = regexp.MustCompile(`(?i)\b(remov\w*|renam\w*|delet\w*|drop(?:s|ped|ping)?|refactor\w*|deprecat\w*|no longer|replac\w*|relocat\w*|discontinu\w*|sunset\w*|gone)\b`)
	surface   = regexp.MustCompile(`(?i)\b(endpoints?|methods?|functions?|class(?:es)?|fields?|attributes?|arguments?|parameters?|commands?|flags?|imports?|modules?|env(?:ironment)? variables?)\b`)
	condition = regexp.MustCompile(`(?i)\b(if you(?:r|'re)?|unless you|only (?:relevant|affects?)|in case you)\b`)
	// core are topics that nobody has to name to be hit: every pipeline has them.
	core = strings.Fields(`pipeline step run artifact materializer orchestrator dashboard cli metadata config cache caching docker image login auth server order`)
)

func (t topic) core() bool { return slices.Contains(core, strings.Join(t.words, " ")) }

// recognised keeps the topics that names of ZenML speak of.
func (k *Known) recognised(list []topic) []topic {
	if len(k.words) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(t topic) bool { return !k.words[strings.Join(t.words, " ")] })
}

// uses returns the reached uses of ZenML that speak of a topic: sure are those of what the new version
// no longer has.
func (k *Known) uses(about []topic) (sure, maybe []usage.Place) {
	for _, p := range k.Usage.All(usage.Import, usage.Call, usage.Attribute, usage.Decorator, usage.Keyword, usage.Subclass, usage.Override,
		usage.Reference, usage.Value, usage.Command, usage.REST, usage.Helm, usage.Env) {
		text := p.Name
		if p.Kind == usage.Value {
			text = p.Text
		}
		if p.Unreached != "" || !slices.ContainsFunc(about, func(t topic) bool { return speaks(text, t) }) || p.Kind == usage.Override && k.adds(p) {
			continue
		}
		if last := text[strings.LastIndexByte(text, '.')+1:]; strings.HasPrefix(last, "log_") {
			continue // to log metadata is no logging
		}
		if _, gone := k.removed(p); gone {
			sure = append(sure, p)
		} else {
			maybe = append(maybe, p)
		}
	}
	return sure, maybe
}

// about answers by the topic of the first sentence, when the text is one that only uses by name can be
// hit by: something is taken away, a part of the API changes, or the text itself says so.
func (k *Known) about(_ *release.Finding, t told) (answer, bool) {
	if k.Usage == nil {
		return answer{}, false
	}
	all := topics(t.subject)
	list := k.recognised(slices.Clone(all))
	if len(list) == 0 {
		return answer{}, false
	}
	var names []string
	everywhere := false
	for _, about := range list {
		names = append(names, about.text)
		everywhere = everywhere || about.core()
	}
	sure, maybe := k.uses(list)
	a := answer{searched: []string{fmt.Sprintf("%s for uses of ZenML about %s", k.where(), strings.Join(names, ", "))}}
	// A topic that no name of ZenML speaks of cannot be searched for.
	byName := len(list) == len(all) && (removes.MatchString(opening(t.text)) || surface.MatchString(t.subject) || condition.MatchString(t.text))
	switch {
	case len(sure) > 0:
		a.affects, a.reason, a.evidence = release.Yes, "The repository uses what the new version no longer has.", k.evidence(sure)
	case len(maybe) > 0:
		a.affects, a.reason, a.evidence = release.Unknown, "The repository uses what is about the same thing.", k.evidence(maybe)
		a.decide = fmt.Sprintf("whether %s:%d (%s) relies on what changed", maybe[0].File, maybe[0].Line, k.describe(maybe[0]))
	case everywhere || !byName:
		a.affects, a.reason = release.Unknown, "It changes a behaviour that code need not name to rely on."
		a.decide = "whether anything relies on the old behaviour of " + strings.Join(names, ", ") + ": run compat-test, or read the notes"
	default:
		a.affects, a.reason = release.No, "No use of ZenML in the repository is about it."
	}
	return a, true
}

// feature answers what is new: it hits nobody who does not name it.
func (k *Known) feature(f *release.Finding, t told) answer {
	if a, ok := k.named(f, t); ok && a.affects == release.Yes {
		return a
	}
	return answer{affects: release.No, reason: "It is new: nothing that runs today names it.", searched: []string{"the repository for the names in the text"}}
}

// helm answers what is about ZenML's chart and names no key of it.
func (k *Known) helm(f *release.Finding, t told) (answer, bool) {
	if k.Usage == nil || f.Category != release.Helm && !speaksOfHelm.MatchString(opening(t.text)) {
		return answer{}, false
	}
	a := answer{affects: release.No, reason: "The repository installs no chart of ZenML's.", searched: []string{"file names, commands and values of the repository for ZenML's Helm chart"}}
	list := k.Usage.All(usage.Helm)
	files := slices.DeleteFunc(slices.Clone(k.Tree.Files), func(p string) bool {
		return path.Base(p) != "Chart.yaml" && !strings.Contains(strings.ToLower(p), "helm")
	})
	switch {
	case len(list) > 0:
		a.affects, a.reason, a.decide = release.Unknown, "The repository sets values of ZenML's chart.", "whether the values set are among those that changed"
		a.evidence = k.evidence(list)
	case len(files) > 0:
		a.affects, a.reason, a.decide = release.Unknown, "The repository has files of Helm.", "whether "+files[0]+" belongs to ZenML's chart"
	}
	return a, true
}
