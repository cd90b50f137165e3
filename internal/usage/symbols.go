package usage

import (
	"context"
	_ "embed" // the reader
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/facts"
	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

//go:embed symbols.py
var symbolScript string

const (
	symbolLimit = time.Minute
	mostSymbols = 32 << 20 // bytes of JSON; 0.98.0 has 1.4 MB
)

// Symbols is what one version of ZenML defines.
type Symbols struct {
	Modules      map[string]map[string]string `json:"modules"`      // "class", "def", "value", "?" or the full name that an import brings
	Classes      map[string]classSymbols      `json:"classes"`      // by full name
	Integrations map[string][]string          `json:"integrations"` // what each asks to be installed
	Deprecated   []string                     `json:"deprecated"`   // full names of functions and classes
	Commands     map[string]bool              `json:"commands"`     // words after zenml, and whether it is deprecated; commands made at run time are missing
}

type classSymbols struct {
	Bases   []string `json:"bases"` // as written
	Members []string `json:"members"`
}

// ReadSymbols reads what the version of ZenML in an environment defines. The answer is kept below dir
// by the digest of the wheel's own record.
func ReadSymbols(ctx context.Context, dir string, env *pyenv.Env, environ []string) (*Symbols, error) {
	site, err := env.SitePackages()
	if err != nil {
		return nil, err
	}
	digest, err := facts.Digest(env, "zenml", symbolScript)
	if err != nil {
		return nil, fmt.Errorf("reading what ZenML defines: %w", err)
	}
	return facts.Keep(dir, "symbols", digest, decodeSymbols, func() ([]byte, error) {
		res, err := proc.Run(ctx, proc.Command{
			Path: env.Python, Args: []string{"-I", "-S", "-", site, "zenml"}, Stdin: strings.NewReader(symbolScript),
			Env: environ, Dir: os.TempDir(), Keep: mostSymbols, Timeout: symbolLimit,
		})
		if err != nil {
			return nil, fmt.Errorf("reading what ZenML defines: %w", err)
		}
		return res.Stdout, nil
	})
}

func decodeSymbols(data []byte) (*Symbols, error) {
	s := &Symbols{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("reading what ZenML defines: %w", err)
	}
	if len(s.Modules) == 0 {
		return nil, fmt.Errorf("reading what ZenML defines: no module was found")
	}
	return s, nil
}

// Has says whether a full name is defined: known is false when the source does not say. Parts behind a
// function or a value are not looked at.
func (s *Symbols) Has(name string) (has, known bool) {
	return s.has(plain(name), 0)
}

func (s *Symbols) has(name string, steps int) (has, known bool) {
	if steps > mostSteps {
		return false, false
	}
	parts := strings.Split(name, ".")
	n := len(parts)
	for ; n > 0; n-- {
		if _, ok := s.Modules[strings.Join(parts[:n], ".")]; ok {
			break
		}
	}
	if n == 0 {
		return false, parts[0] == "zenml"
	}
	if n == len(parts) {
		return true, true
	}
	module := strings.Join(parts[:n], ".")
	names := s.Modules[module]
	switch what, ok := names[parts[n]]; {
	case !ok && names["*"] != "":
		return false, false
	case !ok:
		return false, true
	case what == "class" && n+1 < len(parts):
		return s.member(module+"."+parts[n], parts[n+1], steps)
	case what == "class" || what == "def" || what == "value":
		return true, true
	case what == "?" || what != "zenml" && !strings.HasPrefix(what, "zenml."):
		return true, n+1 == len(parts)
	default:
		return s.has(strings.Join(append([]string{what}, parts[n+1:]...), "."), steps+1)
	}
}

// member looks an attribute up in a class and its bases; what a base of another library has is not known.
func (s *Symbols) member(class, name string, steps int) (has, known bool) {
	c, ok := s.Classes[class]
	if !ok || steps > mostSteps {
		return false, false
	}
	if slices.Contains(c.Members, name) {
		return true, true
	}
	known = !slices.Contains(c.Members, "__getattr__")
	module := class[:strings.LastIndexByte(class, '.')]
	for _, b := range c.Bases {
		full := s.resolve(module, b, 0)
		if full == "" {
			continue // of another library: what ZenML itself defined is not there
		}
		has, sure := s.member(full, name, steps+1)
		if has {
			return true, true
		}
		known = known && sure
	}
	return false, known
}

// resolve returns the full name of a class that a module calls by a name; empty when it is not ZenML's.
func (s *Symbols) resolve(module, name string, steps int) string {
	if steps > mostSteps {
		return ""
	}
	head, rest, dotted := strings.Cut(name, ".")
	what := s.Modules[module][head]
	full := module + "." + head
	switch {
	case what == "class" && !dotted:
		return full
	case strings.HasPrefix(what, "zenml"):
		if _, ok := s.Modules[what]; ok && dotted {
			return s.resolve(what, rest, steps+1)
		}
		if _, ok := s.Classes[what]; ok {
			return what
		}
		if i := strings.LastIndexByte(what, '.'); i > 0 {
			return s.resolve(what[:i], what[i+1:], steps+1)
		}
	}
	return ""
}

// DeprecatedName returns the full name of the deprecated function or class that a use is one of.
func (s *Symbols) DeprecatedName(used string) (string, bool) {
	i := slices.IndexFunc(s.Deprecated, func(d string) bool { return Matches(used, d) })
	if i < 0 {
		return "", false
	}
	return s.Deprecated[i], true
}

// Command returns the words of the command that a call of zenml runs, and whether it is deprecated;
// false when it is none that the source shows.
func (s *Symbols) Command(call string) (words string, deprecated, ok bool) {
	have := strings.Fields(call)
	for n := min(len(have), 5); n > 1; n-- {
		words := strings.Join(have[1:n], " ")
		if deprecated, ok := s.Commands[words]; ok {
			return words, deprecated, true
		}
	}
	return "", false, false
}
