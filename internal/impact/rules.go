package impact

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

// ask is how the server's content is learned.
const ask = "give server-url and server-token, or look at the server"

var (
	clientAndServer = regexp.MustCompile(`(?i)\bclients?\b.*\bservers?\b|\bservers?\b.*\bclients?\b`)
	atOnce          = regexp.MustCompile(`(?i)compatib|simultan|upgraded? (both|together)|same version|same time|vice[- ]versa|must match`)
	pythonVersion   = regexp.MustCompile(`(?i)\bpython\s+(3\.\d+)`)
	pythonDropped   = regexp.MustCompile(`(?i)drop|no longer|remov|end of life|not supported|unsupported|without support`)
	extraName       = regexp.MustCompile(`\bzenml\[([\w-]+)\]`)
	customThing     = regexp.MustCompile(`(?i)\bcustom\s+((?:[a-z]+[ -]){0,3}?)(flavou?rs?|components?|implementations?|subclass(?:es)?|classes|orchestrators?|materializers?|operators?|stores?|registr(?:y|ies)|trackers?|deployers?|builders?|validators?|alerters?|annotators?)\b`)
	mustHave        = regexp.MustCompile("(?i)must (?:now )?(?:implement|define|provide|override)[^.]*")
)

// together answers the rule that clients and servers move at once: who requires ZenML has a client.
func (k *Known) together(_ *release.Finding, t told) (answer, bool) {
	text := strings.ReplaceAll(strings.ReplaceAll(t.text, "-", " "), "\n", " ")
	if !slices.ContainsFunc(sentences(text), func(s string) bool { return clientAndServer.MatchString(s) && atOnce.MatchString(s) }) {
		return answer{}, false
	}
	a := answer{affects: release.Unknown, searched: []string{"requirement files for zenml"}, decide: "which environments hold a client of this server: no requirement file asks for zenml"}
	a.reason = "No requirement file says which client is used."
	for _, l := range k.zenmlLines() {
		a.affects, a.reason = release.Yes, "The repository installs a ZenML client, which has to move together with the server."
		a.evidence = append(a.evidence, release.Evidence{File: l.File, Line: l.Line, Message: "requires " + l.Text})
	}
	return a, true
}

func (k *Known) zenmlLines() []repo.Line {
	var out []repo.Line
	for _, s := range k.Sets {
		if l, ok := s.ZenML(); ok && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// pythonDropped answers prose about a Python version that is no longer supported.
func (k *Known) pythonDropped(_ *release.Finding, t told) (answer, bool) {
	m := pythonVersion.FindAllStringSubmatch(t.text, -1)
	if len(m) == 0 || !pythonDropped.MatchString(t.text) || len(t.names) > 0 {
		return answer{}, false
	}
	a := answer{settled: true, affects: release.No, reason: "The repository does not use that Python version.", searched: []string{"the Python versions in use for " + m[0][1]}}
	if len(k.Python.Used) == 0 {
		a.affects, a.reason, a.decide = release.Unknown, "Which Python versions are used is not known.", "the Python versions in use: give python-versions"
	}
	is := func(used string) bool { return slices.ContainsFunc(m, func(v []string) bool { return v[1] == used }) }
	if slices.ContainsFunc(k.Python.Used, is) {
		a.affects, a.reason = release.Yes, "The repository uses that Python version."
	}
	for _, u := range k.Python.UsedFrom {
		if is(u.Version) {
			a.evidence = append(a.evidence, release.Evidence{File: u.Source, Message: "Python " + u.Version + " is used"})
		}
	}
	return a, true
}

// extras answers what moves into an extra of ZenML's: who installs an extra that brings it is not hit.
func (k *Known) extras(_ *release.Finding, t told) (answer, bool) {
	m := extraName.FindStringSubmatch(t.text)
	if m == nil {
		return answer{}, false
	}
	a := answer{settled: len(k.Gaps) == 0, affects: release.No, searched: []string{"the extras of zenml in requirement files for " + m[1]}}
	a.reason = fmt.Sprintf("Every requirement of zenml has an extra that brings what %s brings.", m[1])
	lines := k.zenmlLines()
	if len(lines) == 0 {
		a.affects, a.reason, a.decide = release.Unknown, "No requirement file asks for zenml.", "which extras of zenml are installed"
	}
	for _, l := range lines {
		if !k.brings(l, m[1]) {
			a.affects, a.reason = release.Unknown, "A requirement of zenml does not bring the extra."
			a.decide = fmt.Sprintf("whether what %s installs ever works without a server, on a local database", l.File)
			if m[1] != "local" {
				a.decide = fmt.Sprintf("whether what %s installs needs the extra %s", l.File, m[1])
			}
			a.evidence = append(a.evidence, release.Evidence{File: l.File, Line: l.Line, Message: "requires " + l.Text})
		}
	}
	return a, true
}

var (
	extrasOf   = regexp.MustCompile(`^[A-Za-z0-9._-]+\s*\[([^\]]*)\]`)
	extraOf    = regexp.MustCompile(`extra\s*==\s*['"]([\w-]+)['"]`)
	nameOf     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)
	importable = regexp.MustCompile(`^[A-Za-z_]\w*$`)
)

func requirementName(text string) string { return pyenv.Normalize(nameOf.FindString(text)) }

func extraNames(text string) []string {
	m := extrasOf.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	var out []string
	for _, e := range strings.Split(m[1], ",") {
		out = append(out, pyenv.Normalize(strings.TrimSpace(e)))
	}
	return out
}

// brings says whether a requirement of zenml has an extra, or extras that ask for it in the new version.
func (k *Known) brings(l repo.Line, extra string) bool {
	return slices.Contains(k.allExtras(extraNames(l.Text)), pyenv.Normalize(extra))
}

// allExtras adds to extras of zenml those that they ask for themselves: server brings local.
func (k *Known) allExtras(list []string) []string {
	if k.Pair == nil {
		return list
	}
	list = slices.Clone(list)
	for i := 0; i < len(list); i++ {
		for _, r := range k.Pair.NewMeta.RequiresDist {
			m := extraOf.FindStringSubmatch(r)
			if requirementName(r) != "zenml" || m == nil || pyenv.Normalize(m[1]) != list[i] {
				continue
			}
			for _, e := range extraNames(r) {
				if !slices.Contains(list, e) {
					list = append(list, e)
				}
			}
		}
	}
	return list
}

// custom answers what is asked of the user's own classes of a kind.
func (k *Known) custom(_ *release.Finding, t told) (answer, bool) {
	m := customThing.FindStringSubmatch(opening(t.text))
	if m == nil || k.Usage == nil || len(t.names) > 0 && strings.Contains(strings.ToLower(t.text), "overrid") {
		return answer{}, false
	}
	var kind topic
	for _, w := range strings.Fields(strings.ReplaceAll(m[1]+" "+m[2], "-", " ")) {
		if w = stem(strings.ToLower(w)); !slices.Contains([]string{"flavor", "flavour", "component", "implementation", "subclass", "classe", "class", "stack"}, w) {
			kind.words = append(kind.words, w)
		}
	}
	what := "ZenML's classes of stack components"
	if len(kind.words) > 0 {
		what = "ZenML's " + strings.Join(kind.words, " ") + " classes"
	}
	var sure []usage.Place
	for _, p := range k.Usage.All(usage.Subclass) {
		if last := p.Name[strings.LastIndexByte(p.Name, '.')+1:]; p.Unreached == "" && (len(kind.words) > 0 && speaks(last, kind) || len(kind.words) == 0 && stackWord.MatchString(strings.Join(wordsOf(last), " "))) {
			sure = append(sure, p)
		}
	}
	a := k.sum([]search{{python: true, what: "classes built on " + what, sure: sure}})
	if len(sure) == 0 {
		a.reason = "The repository has no class of that kind."
		return a, true
	}
	if required := Names(mustHave.FindString(t.text)); len(required) > 0 && !k.anyLacks(sure, required) {
		a.affects, a.reason = release.No, "The repository's classes of that kind have "+strings.Join(required, " and ")+"."
	}
	return a, true
}

// anyLacks says whether one of the classes lacks one of the methods. A class of flavors has none of them.
func (k *Known) anyLacks(classes []usage.Place, methods []string) bool {
	for _, c := range classes {
		if strings.HasSuffix(c.Name, "Flavor") || strings.HasSuffix(c.Name, "Config") || strings.HasSuffix(c.Name, "Settings") {
			continue
		}
		for _, m := range methods {
			if !slices.ContainsFunc(k.Usage.All(usage.Override), func(o usage.Place) bool {
				return o.File == c.File && o.Text == c.Text && strings.HasSuffix(o.Name, "."+bare(m))
			}) {
				return true
			}
		}
	}
	return false
}

var (
	contentThing = regexp.MustCompile(`(?i)\b(run templates?|(?:pipeline )?snapshots?|schedules?|scheduled pipelines|(?:pipeline )?deployments?|(?:existing |registered )?stack components?|registered flavou?rs|secrets?|services?|deployed models|models|tokens?|api keys?|service accounts?|existing (?:pipelines|runs|artifacts)|dashboards?|profiles|service connectors?)\b`)
	contentVerb  = regexp.MustCompile(`(?i)\b(re-?creat\w*|re-?deploy\w*|re-?regist\w*|re-?connect\w*|re-?authenticat\w*|reset|invalidat\w*|lost|removed from the (?:stacks|database|db)|sunset|from (?:the )?db|migrated?|rotat\w*|re-?issued?|logged out|must be (?:updated|edited))\b`)
)

// content answers what only the server's content can: whether there is something that must be made anew.
func (k *Known) content(_ *release.Finding, t told) (answer, bool) {
	first := opening(t.text)
	thing := contentThing.FindString(first)
	if thing == "" || !contentVerb.MatchString(first) {
		return answer{}, false
	}
	thing = strings.ToLower(thing)
	a := answer{affects: release.Unknown, reason: "It is about what the server holds.", decide: fmt.Sprintf("whether the server holds %s: %s", plural(thing), ask)}
	if k.Usage == nil {
		return a, true
	}
	about := topic{text: thing}
	for _, w := range strings.Fields(thing) {
		about.words = append(about.words, stem(w))
	}
	a.searched = []string{k.where() + " for uses about " + thing}
	if sure, _ := k.uses([]topic{about}); len(sure) > 0 && len(about.words) > 1 {
		a.affects, a.reason, a.decide = release.Yes, "The repository works with "+plural(thing)+".", ""
		a.evidence = k.evidence(sure)
	}
	return a, true
}

func plural(thing string) string {
	if strings.HasSuffix(thing, "s") {
		return thing
	}
	return thing + "s"
}
