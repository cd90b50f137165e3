package pin

import (
	"regexp"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

var (
	// askedFor is a requirement on zenml in the text of a command.
	askedFor = regexp.MustCompile(`(?i)(?:^|[\s"'=(\[,])(zenml(?:\[[a-z0-9,._ -]*\])?\s*(?:(?:===|==|~=|!=|<=|>=|<|>)\s*[0-9][a-z0-9.*+!]*\s*,?\s*)+)`)
	// imageName is an image of ZenML, maybe of a mirror, with its tag and digest.
	imageName = regexp.MustCompile(`(?i)(?:^|[\s"'=(/]|docker://)((?:[a-z0-9._-]+(?::\d+)?/)*(?:zenmldocker/[a-z0-9._-]+|(?:[a-z0-9._-]+/)+zenml(?:-pro)?(?:-server)?))(?::(v?[a-zA-Z0-9_][\w.-]*))?(@sha256:[0-9a-f]+)?(?:$|[\s"',)\\;&|])`)
	// chartVersion is a command of helm on ZenML's chart.
	chartCommand = regexp.MustCompile(`(?i)\bhelm\b.*[\s/"']zenml\b`)
	chartVersion = regexp.MustCompile(`--version[\s=]+["']?([0-9][\w.-]*)`)
	// variable is an assignment to what is named for ZenML's version.
	variable     = regexp.MustCompile(`(?i)^\s*(?:export\s+|ARG\s+|ENV\s+|-\s+)?["']?([A-Z0-9_]*ZENML_?(?:SERVER_|CLIENT_|IMAGE_|CHART_|DOCKER_)?(?:VERSION|TAG))["']?\s*[:?]?=\s*["']?([0-9][\w.-]*)`)
	variableName = regexp.MustCompile(`(?i)^[a-z0-9_-]*zenml[-_]?(?:(?:server|client|image|chart|docker)[-_])?(?:version|tag)$`)
)

// asked takes the requirements on zenml in one line of text.
func (r *reader) asked(p string, line int, text string, kind Kind, place string) {
	for _, m := range askedFor.FindAllStringSubmatch(text, -1) {
		for _, l := range repo.ParseLine(p, line, strings.TrimRight(strings.TrimSpace(m[1]), ", ")).Lines {
			pin := Pin{File: p, Line: line, Kind: kind, Place: place, Text: l.Text}
			pin.Extras, pin.Bounds, pin.Marker = l.Parts()
			pin.Version = exactly(l.PinnedVersion())
			r.add(pin)
		}
	}
}

// images takes the images of ZenML in one line of text.
func (r *reader) images(p string, line int, text, place string) {
	for _, m := range imageName.FindAllStringSubmatch(text, -1) {
		// Without a tag only the publisher's name tells an image from a path or an address.
		if m[2]+m[3] != "" || strings.Contains(m[1], "zenmldocker/") {
			r.image(p, line, m[1], m[2], m[3], place)
		}
	}
}

func (r *reader) image(p string, line int, name, tag, digest, place string) {
	pin := Pin{File: p, Line: line, Kind: Image, Place: strings.TrimSpace(place + " " + name), Text: name}
	if tag != "" {
		pin.Text += ":" + tag
	}
	pin.Text += digest
	pin.Version, pin.Marker = tagged(tag)
	r.add(pin)
}

// command takes all that one line of a script can say.
func (r *reader) command(p string, line int, text string, kind Kind, place string) {
	if m := variable.FindStringSubmatch(text); m != nil {
		if v, rest := tagged(m[2]); v != nil {
			r.add(Pin{File: p, Line: line, Kind: Variable, Place: strings.TrimSpace(place + " " + m[1]), Text: strings.TrimSpace(text), Version: v, Marker: rest})
			return
		}
	}
	r.asked(p, line, text, kind, place)
	r.images(p, line, text, place)
	if m := chartVersion.FindStringSubmatch(text); m != nil && chartCommand.MatchString(text) {
		v, _ := tagged(m[1])
		r.add(Pin{File: p, Line: line, Kind: Chart, Place: strings.TrimSpace(place + " helm"), Text: "--version " + m[1], Version: v})
	}
}

// script reads commands line by line, from the line that the first one stands on; a line that ends
// in a backslash goes on.
func (r *reader) script(p string, first int, text string, kind Kind, place string) {
	joined, at := "", 0
	for n, line := range strings.Split(text, "\n") {
		if joined == "" {
			at = first + n
		}
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		cut, more := strings.CutSuffix(strings.TrimRight(line, " \r"), `\`)
		if joined += cut + " "; more {
			continue
		}
		if strings.Contains(strings.ToLower(joined), "zenml") {
			r.command(p, at, joined, kind, place)
		}
		joined = ""
	}
	if strings.Contains(strings.ToLower(joined), "zenml") {
		r.command(p, at, joined, kind, place)
	}
}

func readScript(r *reader, p string, data []byte) { r.script(p, 1, string(data), Script, "") }
