package serveruse

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

// mostEvidence bounds the things told for one finding.
const mostEvidence = 10

// topic is something of a server that release notes speak of.
type topic struct {
	kind  string
	words *regexp.Regexp
	path  string // of the REST API: what evidence names as its file
	one   string // how it is called, and several of it
	many  string
}

var topics = []topic{
	{RunTemplates, regexp.MustCompile(`(?i)\brun[ _-]?templates?\b`), "/run_templates", "run template", "run templates"},
	{Snapshots, regexp.MustCompile(`(?i)\b(?:pipeline |run )?snapshots?\b`), "/pipeline_snapshots", "snapshot", "snapshots"},
	{Schedules, regexp.MustCompile(`(?i)\bschedules?\b`), "/schedules", "schedule", "schedules"},
	{Connectors, regexp.MustCompile(`(?i)\bservice[ _-]connectors?\b`), "/service_connectors", "service connector", "service connectors"},
	{PickledArtifacts, regexp.MustCompile(`(?i)\b(?:cloud)?pickled?\b.*\bartifacts?\b|\bartifacts?\b.*\b(?:cloud)?pickled?\b`), "/artifact_versions", "pickled artifact version", "pickled artifact versions"},
}

var (
	// stored is said of what lies on the server, as opposed to what code calls.
	stored = regexp.MustCompile(`(?i)\b(?:re-?creat\w*|existing|stored|saved|migrat\w*|dropp?\w*|delet\w*|lost|tied to|incompatible|stop(?:s|ped)? working|no longer (?:run|work|load|be loaded|be run)\w*|re-?register\w*|re-?upload\w*|unreadable)\b`)
	// calls are names that code, a command line or a settings file holds: the server cannot answer for
	// them.
	calls = regexp.MustCompile("`[^`]*(?:\\(|\\.|_|::|/|=|zenml )[^`]*`|```")
	// parts of a stack, of which release notes name the flavor before.
	parts = `(?:orchestrators?|step operators?|artifact stores?|container registr(?:y|ies)|experiment trackers?|model deployers?|model registr(?:y|ies)|image builders?|annotators?|alerters?|data validators?|feature stores?|deployers?|log stores?|stack components?|flavors?)`

	partOf       = regexp.MustCompile(`(?i)\b([A-Za-z][A-Za-z0-9_-]{2,40})[ _-]` + parts + `\b`)
	sentence     = regexp.MustCompile(`[.!?](?:\s+|$)|\n\s*(?:[-*]|\n)`)
	materializer = regexp.MustCompile(`\b([A-Z][A-Za-z0-9]*Materializer)\b`)
)

// Answer lets the server's content decide a finding that is about content: yes with what there is, no
// when the server was read to its end and holds nothing of it. It changes a finding only where a
// sentence of it speaks of stored things or of a part of a stack; no is given only to a finding that
// was unknown and names no code. It adds to Searched what was looked at.
func (u *Use) Answer(f *release.Finding) {
	if f.Source != "notes" {
		return
	}
	var hits []release.Evidence
	asked, empty, begins := 0, 0, false
	for i, s := range sentence.Split(f.Title+"\n\n"+f.Text, -1) {
		for _, q := range u.questions(s) {
			asked++
			begins = begins || i <= 1 // the title or the first sentence
			if !slices.Contains(f.Searched, q.searched) {
				f.Searched = append(f.Searched, q.searched)
			}
			if q.none {
				empty++
			}
			for _, e := range q.found {
				if !slices.Contains(hits, e) {
					hits = append(hits, e)
				}
			}
		}
	}
	switch {
	case len(hits) > 0:
		f.Affects = release.Yes
		f.Evidence = append(f.Evidence, hits[:min(len(hits), mostEvidence)]...)
	case begins && asked == empty && f.Affects == release.Unknown && !calls.MatchString(f.Text):
		f.Affects = release.No
	}
}

// question is one thing that a sentence makes us look for.
type question struct {
	searched string
	found    []release.Evidence
	none     bool // nothing there, and all of it was read
}

func (u *Use) questions(s string) []question {
	var out []question
	if stored.MatchString(s) {
		for _, t := range topics {
			if t.words.MatchString(s) {
				out = append(out, u.ask(t, func(Item) bool { return true }))
			}
		}
		for _, m := range materializer.FindAllStringSubmatch(s, -1) {
			out = append(out, u.ask(topic{kind: Materializers, path: "/artifact_versions", one: "artifact version by " + m[1], many: "artifact versions by " + m[1]}, func(i Item) bool { return strings.HasSuffix(i.Name, "."+m[1]) }))
		}
	}
	for _, m := range partOf.FindAllStringSubmatch(s, -1) {
		name := strings.ToLower(m[1])
		if slices.Contains(everywhere, name) || !u.vocabulary[name] {
			continue
		}
		out = append(out, u.ask(topic{kind: Components, path: "/components", one: "component of " + name, many: "components of " + name}, func(i Item) bool { return strings.EqualFold(i.Flavor, name) || u.integration(i) == name }))
	}
	return out
}

// everywhere are flavors that every server has or that are words like others.
var everywhere = []string{"default", "local", "custom", "built-in", "remote"}

// integration is the one behind a component, empty when none is.
func (u *Use) integration(c Item) string {
	for _, f := range u.Kinds[Flavors].Items {
		if f.Name == c.Flavor && f.Of == c.Of {
			return strings.ToLower(f.Integration)
		}
	}
	return ""
}

func (u *Use) ask(t topic, match func(Item) bool) question {
	k := u.Kinds[t.kind]
	q := question{searched: fmt.Sprintf("the server's content (%s): %s", k.Status, t.many)}
	for _, i := range k.Items {
		if !match(i) {
			continue
		}
		message := fmt.Sprintf("the server has the %s %q", t.one, i.Name)
		if i.Name == "" || i.Count > 1 || t.kind == Materializers || t.kind == PickledArtifacts {
			message = fmt.Sprintf("the server has %d %s", i.Count, t.many)
		}
		q.found = append(q.found, release.Evidence{File: "server:/api/v1" + t.path, Message: message})
	}
	q.none = len(q.found) == 0 && (k.Status == Read || k.Status == NotInVersion)
	return q
}
