package act

import (
	"bufio"
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// line is one of act's with --json. Of what it holds only this is read.
type line struct {
	Msg        string
	JobID      string   `json:"jobID"`
	JobResult  string   `json:"jobResult"`
	StepID     []string `json:"stepID"`
	StepResult string   `json:"stepResult"`
	Stage      string
	Command    string
	Name       string
	Arg        string
	Content    string
}

// shipped is in the line by which act says that it reads a workflow of the suite.
var shipped = regexp.MustCompile(`subpath '\.github/workflows/([\w.-]+)'`)

// rank orders results from good to bad, for the jobs of a matrix.
var rank = []string{"success", "skipped", "failure", "cancelled"}

func read(tb testing.TB, out []byte) *Run {
	tb.Helper()
	r := &Run{Jobs: map[string]string{}, Steps: map[string]string{}, Outputs: map[string]string{}}
	var log, summary strings.Builder
	in := bufio.NewReader(bytes.NewReader(out))
	for {
		text, err := in.ReadBytes('\n')
		var l line
		if json.Unmarshal(text, &l) == nil {
			log.WriteString(l.JobID + ": " + strings.TrimRight(l.Msg, "\n") + "\n")
			r.note(l, &summary)
		} else {
			log.Write(text)
		}
		if err != nil {
			break
		}
	}
	r.Log, r.Summary = log.String(), summary.String()
	return r
}

func (r *Run) note(l line, summary *strings.Builder) {
	if m := shipped.FindStringSubmatch(l.Msg); m != nil && !slices.Contains(r.Shipped, m[1]) {
		r.Shipped = append(r.Shipped, m[1])
	}
	if l.JobResult != "" && slices.Index(rank, l.JobResult) >= slices.Index(rank, r.Jobs[l.JobID]) {
		r.Jobs[l.JobID] = l.JobResult
	}
	if len(l.StepID) != 1 { // the steps of a composite action come again as the action's own
		return
	}
	id := l.JobID + "/" + l.StepID[0]
	switch {
	case l.StepResult != "" && l.Stage == "Main":
		r.Steps[id] = l.StepResult
	case l.Command == "set-output":
		r.Outputs[id+"/"+l.Name] = l.Arg
	case l.Command == "summary":
		summary.WriteString(l.Content)
	}
}
