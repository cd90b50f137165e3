package impact

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/zenml-upgrade/zenml-upgrade/internal/usage"
)

// idle are words of a subject that say nothing of what it is.
var idle = strings.Fields(`a an the old new legacy previous previously current existing custom all any some many several various other our your its their this that these those
	and or of for to in on with from by as at into via
	support reference references code implementation implementations feature features functionality concept concepts handling behavior behaviour system architecture
	api apis rest endpoint endpoints route routes client clients method methods function functions class classes module modules command commands cli option options flag flags
	field fields attribute attributes argument arguments parameter parameters parameters property properties key keys value values setting settings model models response responses request requests
	default defaults internal external public deprecated experimental remaining zenml server python package library base core local remote database db table tables schema schemas
	integration integrations flavor flavors component components stack stacks type types name names version versions user users way usage list page first second pro oss
	syntax format structure restructured extra extras unused dependency dependencies requirement requirements compatibility change changes upgrade update updates important note more most
	implicit explicit possible simultaneous connection you we it they there here following release releases removal addition introduction actively additionally furthermore`)

var (
	topicWord = regexp.MustCompile(`[a-z][a-z0-9]*`)
	divider   = regexp.MustCompile(`,|\band\b|\bor\b|\bfor\b|\bof\b|/|&|\(|\)|:`)
)

// topic is a thing that a subject names.
type topic struct {
	text  string   // as written
	words []string // their stems
}

// topics returns the things that a subject names: "legacy triggers, actions and event sources" gives
// triggers, actions, event sources.
func topics(subject string) []topic {
	var out []topic
	for _, phrase := range divider.Split(subject, -1) {
		var t topic
		for _, w := range topicWord.FindAllString(strings.ReplaceAll(phrase, "-", " "), -1) {
			if !slices.Contains(idle, w) && len(w) > 2 {
				t.words, t.text = append(t.words, stem(w)), strings.TrimSpace(t.text+" "+w)
			}
		}
		if len(t.words) > 0 && len(t.words) <= 3 {
			out = append(out, t)
		}
	}
	return out
}

// stem takes the endings away in which the words of a topic and of names differ.
func stem(w string) string {
	for _, end := range []string{"ging", "gers", "ger", "gings"} { // logging, logger, loggers: log
		if cut, ok := strings.CutSuffix(w, "g"+end); ok && len(cut) > 1 {
			return cut + "g"
		}
	}
	switch {
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && len(w) > 3:
		return w[:len(w)-1]
	}
	return w
}

// wordsOf divides a name into the stems of its words: list_event_sources, EventSourceFilter.
func wordsOf(name string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, stem(strings.ToLower(b.String())))
			b.Reset()
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush()
		}
		b.WriteRune(r)
	}
	flush()
	return out
}

// speaks says whether a name has the words of a topic, one after the other.
func speaks(name string, t topic) bool {
	have := wordsOf(name)
	for i := 0; i+len(t.words) <= len(have); i++ {
		if slices.Equal(have[i:i+len(t.words)], t.words) {
			return true
		}
	}
	return false
}

// vocabulary is every word that stands in the names of some versions of ZenML, and those of the wanted
// phrases of two or three words that do.
func vocabulary(wanted map[string]bool, list ...*usage.Symbols) map[string]bool {
	out := map[string]bool{}
	seen := map[string]bool{}
	add := func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		words := wordsOf(name)
		for i := range words {
			out[words[i]] = true
			for n := i + 2; n <= min(len(words), i+3); n++ {
				if phrase := strings.Join(words[i:n], " "); wanted[phrase] {
					out[phrase] = true
				}
			}
		}
	}
	for _, s := range list {
		if s == nil {
			continue
		}
		for m, names := range s.Modules {
			add(m)
			for n := range names {
				add(n)
			}
		}
		for _, c := range s.Classes {
			for _, m := range c.Members {
				add(m)
			}
		}
		for c := range s.Commands {
			add(c)
		}
	}
	return out
}
