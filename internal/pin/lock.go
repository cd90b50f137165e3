package pin

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// lockFormats read lock files, by their names.
var lockFormats = map[string]format{
	"uv.lock": readLock, "poetry.lock": readLock, "pdm.lock": readLock, "Pipfile.lock": readPipfileLock,
}

// lock is what of a lock file in TOML is read.
type lock struct {
	Version  any           `toml:"version"`      // uv: a number
	PEP751   string        `toml:"lock-version"` // pylock.toml
	Packages []lockPackage `toml:"package"`
	PyLock   []lockPackage `toml:"packages"`
	Metadata struct {
		Poetry string `toml:"lock-version"`
		PDM    string `toml:"lock_version"`
	} `toml:"metadata"`
}

type lockPackage struct {
	Name    string   `toml:"name"`
	Version string   `toml:"version"`
	Extras  []string `toml:"extras"` // of PDM
	Marker  any      `toml:"marker"`
}

// known says whether a lock file has a form that is known: its meaning could have changed.
func (l *lock) known(base string) (string, bool) {
	switch base {
	case "uv.lock":
		return fmt.Sprint(l.Version), fmt.Sprint(l.Version) == "1"
	case "poetry.lock":
		major, _, _ := strings.Cut(l.Metadata.Poetry, ".")
		return l.Metadata.Poetry, major == "1" || major == "2"
	case "pdm.lock":
		major, _, _ := strings.Cut(l.Metadata.PDM, ".")
		return l.Metadata.PDM, major == "4"
	}
	major, _, _ := strings.Cut(l.PEP751, ".")
	return l.PEP751, major == "1"
}

func readLock(r *reader, p string, data []byte) {
	var doc lock
	base := p[strings.LastIndexByte(p, '/')+1:]
	if err := toml.Unmarshal(data, &doc); err != nil {
		line := 0
		var syntax *toml.DecodeError
		if errors.As(err, &syntax) {
			line, _ = syntax.Position()
		}
		r.gap(p, line, "it is not readable TOML")
		return
	}
	if v, ok := doc.known(base); !ok {
		r.gap(p, 0, fmt.Sprintf("its format version %q is not known", v))
		return
	}
	lines := packageLines(string(data))
	n := 0
	for _, pkg := range append(doc.Packages, doc.PyLock...) {
		if !strings.EqualFold(pkg.Name, "zenml") || pkg.Version == "" {
			continue
		}
		pin := Pin{File: p, Kind: Lock, Place: "zenml", Text: "zenml " + pkg.Version, Version: exactly(pkg.Version), Extras: pkg.Extras}
		if m, ok := pkg.Marker.(string); ok {
			pin.Marker = m
		}
		if n < len(lines) {
			pin.Line = lines[n]
		}
		n++
		r.add(pin)
	}
}

var (
	lockName    = regexp.MustCompile(`^\s*name\s*=\s*"(?i:zenml)"\s*$`)
	lockVersion = regexp.MustCompile(`^\s*version\s*=`)
)

// packageLines finds the lines that give the versions of the packages named zenml, in their order.
func packageLines(text string) []int {
	var out []int
	open := false
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case lockName.MatchString(line):
			open = true
		case strings.HasPrefix(line, "["):
			open = false
		case open && lockVersion.MatchString(line):
			out, open = append(out, n+1), false
		}
	}
	return out
}

func readPipfileLock(r *reader, p string, data []byte) {
	type entry struct {
		Version string   `json:"version"` // "==0.85.0"
		Extras  []string `json:"extras"`
		Markers string   `json:"markers"`
	}
	var doc struct {
		Meta struct {
			Spec int `json:"pipfile-spec"`
		} `json:"_meta"`
		Default map[string]entry `json:"default"`
		Develop map[string]entry `json:"develop"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		line := 0
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line = 1 + strings.Count(string(data[:syntax.Offset]), "\n")
		}
		r.gap(p, line, "it is not readable JSON")
		return
	}
	if doc.Meta.Spec != 6 {
		r.gap(p, 0, fmt.Sprintf("its format version %d is not known", doc.Meta.Spec))
		return
	}
	for _, group := range []struct {
		name string
		list map[string]entry
	}{{"default", doc.Default}, {"develop", doc.Develop}} {
		e, ok := group.list["zenml"]
		if !ok {
			continue
		}
		pin := Pin{File: p, Line: jsonLine(string(data), group.name), Kind: Lock, Place: group.name, Text: "zenml" + e.Version, Extras: e.Extras, Marker: e.Markers}
		if v, exact := strings.CutPrefix(e.Version, "=="); exact {
			pin.Version = exactly(v)
		}
		r.add(pin)
	}
}

// jsonLine finds the line of the version of zenml in a group of a Pipfile.lock, which is always
// written one key a line.
func jsonLine(text, group string) int {
	in, at := false, false
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, `"`+group+`"`):
			in = true
		case in && strings.HasPrefix(line, `"zenml"`):
			at = true
		case at && strings.HasPrefix(line, `"version"`):
			return n + 1
		}
	}
	return 0
}
