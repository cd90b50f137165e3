package usage

import (
	"slices"
	"strings"
	"unicode"
)

// Matches says whether a use of one full name is a use of another, or of something below that. A
// class or function may be imported from a module above the one that defines it.
func Matches(used, asked string) bool {
	return parse(used).matches(parse(strings.TrimSuffix(asked, "()")))
}

// qualified is a full name taken apart once, for the many it is compared with.
type qualified struct {
	plain, module string
	tail          []string
}

func parse(name string) qualified {
	q := qualified{plain: plain(name)}
	q.module, q.tail = split(q.plain)
	return q
}

func (used qualified) matches(asked qualified) bool {
	if under(used.plain, asked.plain) {
		return true
	}
	if len(asked.tail) == 0 || len(used.tail) < len(asked.tail) || !slices.Equal(used.tail[:len(asked.tail)], asked.tail) {
		return false
	}
	return asked.module == "" || under(used.module, asked.module) || under(asked.module, used.module)
}

func under(a, b string) bool {
	return strings.HasPrefix(a, b) && (len(a) == len(b) || a[len(b)] == '.')
}

// plain takes the argument of a keyword, calls and elements away: of what a call gives nothing is
// known but where it came from, so that it is no longer a use of the name itself.
func plain(name string) string {
	if i := strings.IndexAny(name, "(["); i > 0 {
		return name[:i]
	}
	return name
}

// split divides a name into the module and what is defined in it. Modules are in lower case; when no
// part is a class, the last one is the function. A name without a dot has no module.
func split(name string) (module string, tail []string) {
	parts := strings.Split(name, ".")
	at := slices.IndexFunc(parts, func(p string) bool {
		return strings.IndexFunc(p, unicode.IsUpper) == 0 || strings.HasPrefix(p, "_") && strings.IndexFunc(p, unicode.IsUpper) == 1
	})
	if at < 0 {
		at = len(parts) - 1
	}
	return strings.Join(parts[:at], "."), parts[at:]
}

// Segments returns the parts of a path of the REST API without its address, /api/v1 and query. Of
// a part that stands for anything nothing is kept but "{}".
func Segments(path string) []string {
	if i := strings.Index(path, "api/v1"); i >= 0 {
		path = path[i+len("api/v1"):]
	} else if _, after, ok := strings.Cut(path, "://"); ok {
		_, path, _ = strings.Cut(after, "/")
	}
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	var out []string
	for _, s := range strings.Split(path, "/") {
		switch {
		case s == "":
		case strings.ContainsAny(s, "{}<>$*") || strings.HasPrefix(s, ":"):
			out = append(out, "{}")
		default:
			out = append(out, s)
		}
	}
	return out
}

// segmentsMatch compares a call with the path of an endpoint: where the endpoint takes an id the call
// may have anything; where it has a word, the call must have that word or something unknown.
func segmentsMatch(have, want []string) bool {
	if len(have) != len(want) {
		return false
	}
	sure := false
	for i, w := range want {
		if w == "{}" {
			continue
		}
		if have[i] != w {
			return false
		}
		sure = true
	}
	return sure
}
