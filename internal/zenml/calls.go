package zenml

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	probeScript = "zu_probe.py"
	// flowCall needs the suite of compat-test beside the script; Smoke runs a pipeline here.
	flowCall  = "run a pipeline"
	smokeCall = "run a pipeline and load its result"
	// longestDetail bounds what is kept of a failed call's words.
	longestDetail = 300
)

// Call is what a client could do on a server.
type Call struct {
	Name   string `json:"call"`
	Failed bool   `json:"failed"`
	Detail string `json:"detail"` // why it failed, one line, without SQL; text from outside
}

// Calls tries on a server what teams do with a client, plain lists aside: those succeed for every
// version. It makes things and deletes them: for copies and throw-away servers only. An error says that the
// client could not be tried at all.
func Calls(ctx context.Context, t Target) ([]Call, error) {
	w, err := newWorkdir(t)
	if err != nil {
		return nil, err
	}
	defer w.remove()
	answers := filepath.Join(w.dir, "answers.jsonl")
	runErr := w.run(ctx, t, probeScript, answers, "-"+flowCall)
	text, err := os.ReadFile(answers)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("trying a client's calls: %w", err), runErr)
	}
	var out []Call
	for line := range bytes.Lines(text) {
		var c struct {
			Call, Status, Detail string
		}
		if json.Unmarshal(line, &c) == nil && c.Call != "" {
			out = append(out, Call{Name: c.Call, Failed: c.Status != "passed", Detail: oneLine(c.Detail)})
		}
	}
	if len(out) == 0 || runErr != nil {
		return nil, fmt.Errorf("trying a client's calls: %w", errors.Join(errors.New("it ended early"), runErr))
	}
	smoke := Call{Name: smokeCall}
	p, err := ReadySmoke(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("trying a client's calls: %w", err)
	}
	defer p.Close()
	if err := p.Run(ctx, t.URL); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("trying a client's calls: %w", err)
		}
		smoke.Failed, smoke.Detail = true, oneLine(err.Error())
	}
	return append(out, smoke), nil
}

// oneLine keeps the first lines of a failed call's words, without what quotes a database.
func oneLine(text string) string {
	for _, sign := range []string{"[SQL", "sqlalche", "pymysql", "sqlite3."} {
		if i := strings.Index(text, sign); i >= 0 {
			text = text[:i] + "[the database's words are left out]"
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > longestDetail {
		text = string(r[:longestDetail]) + "…"
	}
	return strings.ToValidUTF8(text, "?")
}
