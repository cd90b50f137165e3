package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// act sums up which workflows the tests ran in a workflow runner, and what stood in for what cannot be had
// there (internal/testkit/act).
type act struct {
	ran      map[string]int // by file name
	standins map[string]bool
}

var ran = regexp.MustCompile(`act: ran (.*); stand-ins for (.*)`)

func (a *act) note(line string) {
	m := ran.FindStringSubmatch(line)
	if m == nil {
		return
	}
	if a.ran == nil {
		a.ran, a.standins = map[string]int{}, map[string]bool{}
	}
	for _, file := range strings.Fields(m[1]) {
		a.ran[file]++
	}
	for _, name := range strings.Split(m[2], ", ") {
		a.standins[strings.TrimSpace(name)] = true
	}
}

func (a *act) tell(out io.Writer) {
	if len(a.ran) == 0 {
		return
	}
	var files []string
	for _, file := range slices.Sorted(maps.Keys(a.ran)) {
		files = append(files, fmt.Sprintf("%s (%d)", file, a.ran[file]))
	}
	fmt.Fprintf(out, "act: ran %s; stand-ins for %s\n", strings.Join(files, ", "), strings.Join(slices.Sorted(maps.Keys(a.standins)), ", "))
}
