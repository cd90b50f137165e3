// Package command answers commands in comments. A command only starts a workflow, puts up a hold or
// tells how things stand; what it starts proves once more that the command still holds.
package command

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Word begins a command.
const Word = "/zenml-upgrade"

// Verb is what a command asks for.
type Verb string

// The verbs.
const (
	Rehearse Verb = "rehearse"
	Upgrade  Verb = "upgrade"
	Rollback Verb = "rollback"
	Hold     Verb = "hold"
	Unhold   Verb = "unhold"
	Status   Verb = "status"
)

// usage is what a person may write.
const usage = "write one of: rehearse, upgrade, rollback (each may be followed by a version and an environment), hold REASON, unhold, status"

// Command is what the first line of a comment asks for.
type Command struct {
	Verb        Verb
	Version     string // empty: not said
	Environment string // empty: not said
	Reason      string // of a hold; from outside
}

// Starts says whether the command starts a workflow.
func (c Command) Starts() bool {
	return c.Verb == Rehearse || c.Verb == Upgrade || c.Verb == Rollback
}

// RefusedError says why a command is not carried out.
type RefusedError struct {
	Code   string // stable, snake_case
	What   string
	Next   string
	Silent bool // no reply: a reaction must do
}

func (r *RefusedError) Error() string { return r.What + "; " + r.Next }

func refuse(code, what, next string) *RefusedError {
	return &RefusedError{Code: code, What: what, Next: next}
}

// longestReason is how much of a hold's reason is taken.
const longestReason = 300

var environmentForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// Parse reads a comment. A command stands at the very beginning of the first line that is not empty:
// there it can be in no quotation, code block or HTML comment. Without one nil is returned; what begins
// like one and is none is an error of type *RefusedError.
func Parse(body string) (*Command, error) {
	lines := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	for len(lines) > 1 && strings.Trim(lines[0], " \t") == "" {
		lines = lines[1:]
	}
	rest, is := begins(lines[0])
	if !is {
		return nil, nil //nolint:nilnil // a comment like any other
	}
	for _, l := range lines[1:] {
		if _, again := begins(l); again {
			return nil, refuse("several_commands", "the comment holds several commands", "write one a comment")
		}
	}
	if strings.ContainsFunc(rest, hidden) {
		return nil, refuse("bad_characters", "the command holds characters that cannot be seen", "write it by hand")
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return nil, refuse("unknown_command", "the comment names no command", usage)
	}
	verb, words := words[0], words[1:]
	c := &Command{Verb: Verb(verb)}
	switch c.Verb {
	case Hold:
		c.Reason = strings.Join(words, " ")
		if r := []rune(c.Reason); len(r) > longestReason {
			c.Reason = string(r[:longestReason-1]) + "…"
		}
		if c.Reason == "" {
			return nil, refuse("no_reason", "a hold needs a reason", "write: "+Word+" hold REASON")
		}
		return c, nil
	case Unhold, Status:
		if len(words) > 0 {
			return nil, refuse("too_many_words", fmt.Sprintf("%s takes nothing after it", verb), "write: "+Word+" "+verb)
		}
		return c, nil
	case Rehearse, Upgrade, Rollback:
		return c, c.operands(words)
	}
	return nil, refuse("unknown_command", fmt.Sprintf("%q is no command", shorten(verb)), usage)
}

// begins returns what follows the word that begins a command.
func begins(line string) (rest string, is bool) {
	rest, is = strings.CutPrefix(line, Word)
	return rest, is && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// hidden are characters that steer terminals, or make a text look like what it is not.
func hidden(r rune) bool {
	return r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}

// operands reads a version and the name of an environment, in any order.
func (c *Command) operands(words []string) error {
	for _, w := range words {
		switch {
		case version.Valid(w) == nil && c.Version == "":
			c.Version = w
		case version.Valid(w) != nil && environmentForm.MatchString(w) && c.Environment == "":
			c.Environment = w
		default:
			return refuse("bad_operand", fmt.Sprintf("%q after %s is neither a version nor an environment, or is the second one", shorten(w), c.Verb), usage)
		}
	}
	return nil
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
