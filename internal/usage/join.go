package usage

import (
	"path"
	"slices"
	"strings"
)

// pyFile is a described file, before names that lead through the repository's own modules are followed.
type pyFile struct {
	name    string
	uses    []Place
	exports map[string]string
	classes map[string]ownClass
	shell   []shellText
}

// mostSteps bounds how many modules of the repository one name is followed through.
const mostSteps = 8

// modules maps every dotted name that a file may be imported by to the file: folders that imports
// start from are not known.
func (b *builder) modules() map[string][]*pyFile {
	out := map[string][]*pyFile{}
	for _, f := range b.files {
		p := strings.TrimSuffix(strings.TrimSuffix(f.name, path.Ext(f.name)), "/__init__")
		for parts := strings.Split(p, "/"); len(parts) > 0; parts = parts[1:] {
			name := strings.Join(parts, ".")
			out[name] = append(out[name], f)
		}
	}
	return out
}

// leadsOn says whether a name begins in a module of the repository's own.
func leadsOn(p Place) bool {
	text := p.Kind == Command || p.Kind == REST || p.Kind == Route
	return !text && p.Name != "" && (p.Name[0] == '+' || p.Name[0] == '.')
}

// join follows names through the repository's own modules. What leads to something that is not known
// is kept as a Member.
func (b *builder) join() {
	known := b.modules()
	for _, f := range b.files {
		for _, p := range f.uses {
			name, argument := p.Name, ""
			if i := strings.LastIndexByte(name, '('); p.Kind == Keyword && i > 0 {
				name, argument = name[:i], name[i:]
			}
			found, sure := follow(known, f, name, 0)
			switch {
			case found == "zenml" || strings.HasPrefix(found, "zenml."):
				p.Name = b.one(found + argument)
				b.add(p)
			case !sure && (p.Kind == Attribute || p.Kind == Call) && strings.Contains(name, "."):
				p.Kind, p.Name = Member, b.one(name[strings.LastIndexByte(name, '.')+1:])
				b.add(p)
			}
		}
		for _, s := range f.shell {
			b.shell(f.name, s)
		}
	}
}

// follow returns the name that a chain through the repository's own modules stands for, empty when it
// is the repository's own; false when that cannot be known.
func follow(known map[string][]*pyFile, f *pyFile, name string, steps int) (string, bool) {
	if steps > mostSteps {
		return "", false
	}
	if name[0] == '.' {
		return inside(known, f, strings.Split(name[1:], "."), steps)
	}
	parts := strings.Split(name[1:], ".")
	for n := len(parts); n > 0; n-- {
		files := known[strings.Join(parts[:n], ".")]
		if len(files) == 0 {
			continue
		}
		if n == len(parts) {
			return "", true // a module of the repository's
		}
		sure := true
		for _, g := range files {
			got, ok := inside(known, g, parts[n:], steps)
			if got != "" {
				return got, true
			}
			sure = sure && ok
		}
		return "", sure
	}
	return "", false
}

// inside follows what a file defines.
func inside(known map[string][]*pyFile, f *pyFile, parts []string, steps int) (string, bool) {
	head := parts[0]
	suffix := ""
	if i := strings.IndexAny(head, "(["); i > 0 {
		head, suffix = head[:i], head[i:]
	}
	rest := ""
	if len(parts) > 1 {
		rest = "." + strings.Join(parts[1:], ".")
	}
	what, ok := f.exports[head]
	if _, own := f.classes[head]; own {
		what, ok = "class", true
	}
	switch {
	case !ok || what == "?" || what == "def" && rest != "":
		return "", false
	case what == "def":
		return "", true
	case what == "class":
		return ofClass(known, f, head, parts[1:], steps+1)
	case strings.HasPrefix(what, "def "):
		what = strings.TrimPrefix(what, "def ")
		suffix = strings.TrimPrefix(suffix, "()")
	}
	if what[0] == '+' || what[0] == '.' {
		return follow(known, f, what+suffix+rest, steps+1)
	}
	return what + suffix + rest, true
}

// ofClass follows an attribute of a class of the repository's own: what it sets itself, else what it has of a base.
func ofClass(known map[string][]*pyFile, f *pyFile, name string, parts []string, steps int) (string, bool) {
	c := f.classes[name]
	if len(parts) > 0 {
		head, suffix := parts[0], ""
		if i := strings.IndexAny(head, "(["); i > 0 {
			head, suffix = head[:i], head[i:]
		}
		if got, ok := c.Attributes[head]; ok {
			rest := suffix
			if len(parts) > 1 {
				rest += "." + strings.Join(parts[1:], ".")
			}
			switch {
			case got == nil:
				return "", false
			case (*got)[0] == '+' || (*got)[0] == '.':
				return follow(known, f, *got+rest, steps+1)
			case (*got)[0] == '!':
				return "", true
			}
			return *got + rest, true
		}
		if slices.Contains(c.Members, head) {
			return "", len(parts) == 1
		}
	}
	sure := true
	for _, base := range c.Bases {
		switch {
		case base == nil:
			sure = false
		case *base == "zenml" || strings.HasPrefix(*base, "zenml."):
			return strings.Join(append([]string{*base}, parts...), "."), true
		case (*base)[0] == '+' || (*base)[0] == '.':
			got, ok := follow(known, f, strings.Join(append([]string{*base}, parts...), "."), steps+1)
			if got != "" {
				return got, true
			}
			sure = sure && ok
		}
	}
	return "", sure
}
