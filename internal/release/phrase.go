package release

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// phrase is what may be said in several ways. Most text says none of them, and an expression is
// slow to say so: each is tried only on text that holds one of the literals that every match of it
// must hold; these are taken from the expression itself.
type phrase []way

type way struct {
	*regexp.Regexp
	needs []literals // every match holds one of each
}

// literals is a set of literals of the vocabulary, a bit each.
type literals [8]uint64

func (l *literals) add(i uint16) { l[i/64] |= 1 << (i % 64) }

func (l *literals) meets(other *literals) bool {
	for i := range l {
		if l[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// saying is text in lower case with what of the vocabulary it holds.
type saying struct {
	low   string
	holds literals
}

// say makes a phrase of expressions in lower case, for text in lower case. What an expression's own
// top level divides by | is tried apart.
func say(expressions ...string) phrase {
	var p phrase
	for _, e := range expressions {
		for _, branch := range branches(e) {
			parsed, err := syntax.Parse(branch, syntax.Perl)
			if err != nil {
				panic(err) // as regexp.MustCompile
			}
			w := way{Regexp: regexp.MustCompile(branch)}
			lists := required(parsed)
			for _, list := range lists {
				if len(lists) > 1 && slices.ContainsFunc(list, met) {
					continue
				}
				var need literals
				for _, l := range list {
					need.add(known.index(l))
				}
				w.needs = append(w.needs, need)
			}
			p = append(p, w)
		}
	}
	return p
}

// in says whether one of the ways is found in what is said.
func (p phrase) in(s *saying) bool {
	for i := range p {
		if p[i].possible(s) && p[i].MatchString(s.low) {
			return true
		}
	}
	return false
}

func (w *way) possible(s *saying) bool {
	for i := range w.needs {
		if !w.needs[i].meets(&s.holds) {
			return false
		}
	}
	return true
}

// branches divides an expression at the | that stand outside of brackets.
func branches(e string) []string {
	var out []string
	start, depth, class := 0, 0, false
	for i := 0; i < len(e); i++ {
		switch c := e[i]; {
		case c == '\\':
			i++
		case c == '[' || c == ']':
			class = c == '['
		case class:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			out = append(out, e[start:i])
			start = i + 1
		}
	}
	return append(out, e[start:])
}

// required returns lists of literals: every match holds at least one of each list.
func required(r *syntax.Regexp) [][]string {
	switch r.Op {
	case syntax.OpLiteral:
		return [][]string{{string(r.Rune)}}
	case syntax.OpCharClass:
		if list := members(r.Rune); list != nil {
			return [][]string{list}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(r.Sub[0])
	case syntax.OpRepeat:
		if r.Min > 0 {
			return required(r.Sub[0])
		}
	case syntax.OpConcat:
		var all [][]string
		for _, sub := range r.Sub {
			all = append(all, required(sub)...)
		}
		return all
	case syntax.OpAlternate:
		var either []string
		for _, sub := range r.Sub {
			lists := required(sub)
			if len(lists) == 0 {
				return nil
			}
			// One list a branch: the one that says the most.
			either = append(either, slices.MaxFunc(lists, func(a, b []string) int { return shortest(a) - shortest(b) })...)
		}
		return [][]string{either}
	default:
	}
	return nil
}

// members are the characters of a class, nil when they are many.
func members(ranges []rune) []string {
	var out []string
	for i := 0; i < len(ranges); i += 2 {
		for c := ranges[i]; c <= ranges[i+1]; c++ {
			if len(out) == 10 {
				return nil
			}
			out = append(out, string(c))
		}
	}
	return out
}

// met says whether a literal is met in most text: one or two letters.
func met(literal string) bool {
	return len(literal) < 3 && strings.Trim(literal, "abcdefghijklmnopqrstuvwxyz -") == ""
}

func shortest(list []string) int {
	return len(slices.MinFunc(list, func(a, b string) int { return len(a) - len(b) }))
}

// vocabulary holds the literals of all phrases.
type vocabulary struct{ literals []string }

var known vocabulary

func (v *vocabulary) index(literal string) uint16 {
	i := slices.Index(v.literals, literal)
	if i < 0 {
		i = len(v.literals)
		v.literals = append(v.literals, literal)
	}
	if i == 64*len(literals{}) {
		panic("release: literals has no place for another one")
	}
	return uint16(i)
}
