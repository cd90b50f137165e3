package impact

import (
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Search finds uses of ZenML's APIs by their words: it needs no types and knows no scopes.
type Search struct {
	words *wordIndex
	zenml map[string]bool // files that name zenml
	whole bool
}

// Search reads the repository's files once.
func (k *Known) Search() *Search {
	s := &Search{words: k.index(), zenml: map[string]bool{}, whole: len(k.Tree.Skipped) == 0}
	for _, e := range s.words.at["zenml"] {
		s.zenml[e.File] = true
	}
	return s
}

// Whole says whether every file could be looked at: only then nothing found means no use.
func (s *Search) Whole() bool { return s.whole }

// Python returns where Python code writes a qualified name of ZenML: whole, in an import from its
// module, or by its last part in a file that names the class it belongs to, else its module.
func (s *Search) Python(qualified string) []release.Evidence {
	at := strings.LastIndexByte(qualified, '.')
	owner, last := qualified[:max(at, 0)], qualified[at+1:]
	class := owner[strings.LastIndexByte(owner, '.')+1:]
	if class == strings.ToLower(class) {
		class = ""
	}
	return s.lines(last, "uses "+qualified, func(file, line string) bool {
		if !repo.IsPython(file) || !s.zenml[file] || strings.HasPrefix(strings.TrimSpace(line), "#") {
			return false
		}
		if containsWord(line, qualified) || strings.Contains(line, "import") && containsWord(line, owner) && containsWord(line, last) {
			return true
		}
		named := owner
		if class != "" {
			named = class
		}
		return distinctName(last) && slices.ContainsFunc(s.words.lines[file], func(l string) bool { return containsWord(l, named) })
	})
}

// distinctName says whether a name is hardly another library's: joined of words, not short.
func distinctName(n string) bool {
	return len(n) >= 8 && !strings.HasPrefix(n, "_") && (strings.Contains(n, "_") || camel.MatchString(n))
}

var httpVerb = regexp.MustCompile(`(?i)\.(get|post|put|patch|delete|head)\(|-X\s*(GET|POST|PUT|PATCH|DELETE|HEAD)\b`)

// REST returns where a path of the server's API is written, such as /api/v1/tags/{tag_id}, on a line
// that names no other method.
func (s *Search) REST(method, path string) []release.Evidence {
	fixed, _, inner := strings.Cut(path, "/{")
	last := fixed[strings.LastIndexByte(fixed, '/')+1:]
	key := ""
	for _, w := range word.FindAllString(last, -1) {
		if len(w) > len(key) {
			key = w
		}
	}
	return s.lines(key, "calls "+method+" "+path, func(_, line string) bool {
		i := strings.Index(line, fixed)
		if i < 0 {
			return false
		}
		rest := line[i+len(fixed):]
		if goesOn := len(rest) > 1 && rest[0] == '/' && !strings.ContainsAny(rest[1:2], `"' `); goesOn != inner || rest != "" && (wordByte(rest[0]) || rest[0] == '-') {
			return false
		}
		verb := httpVerb.FindStringSubmatch(line)
		return verb == nil || strings.EqualFold(verb[1]+verb[2], method)
	})
}

// lines returns the places of a word where is holds, the first few.
func (s *Search) lines(key, message string, is func(file, line string) bool) []release.Evidence {
	var out []release.Evidence
	for _, e := range s.words.at[key] {
		if is(e.File, s.words.lines[e.File][e.Line-1]) {
			e.Message = message
			if out = append(out, e); len(out) == mostEvidence {
				break
			}
		}
	}
	return out
}
