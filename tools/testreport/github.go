package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// github sums up what the fake GitHub of the tests says it was asked (internal/testkit/github).
type github struct {
	operations        map[string]bool // by the identifiers of GitHub's description
	requests, invalid int
}

var asked = regexp.MustCompile(`fake GitHub: (\d+) requests, (\d+) invalid: (.*)`)

func (g *github) note(line string) {
	m := asked.FindStringSubmatch(line)
	if m == nil {
		return
	}
	requests, _ := strconv.Atoi(m[1]) // the expression asks for digits
	invalid, _ := strconv.Atoi(m[2])
	g.requests, g.invalid = g.requests+requests, g.invalid+invalid
	if g.operations == nil {
		g.operations = map[string]bool{}
	}
	for _, operation := range strings.Fields(m[3]) {
		g.operations[operation] = true
	}
}

func (g *github) tell(out io.Writer) {
	verdict := "all requests and answers as GitHub describes them"
	if g.invalid > 0 {
		verdict = fmt.Sprintf("%d requests or answers are NOT as GitHub describes them", g.invalid)
	}
	if g.requests > 0 {
		fmt.Fprintf(out, "GitHub: %d operations exercised in %d requests; %s\n", len(g.operations), g.requests, verdict)
	}
}
