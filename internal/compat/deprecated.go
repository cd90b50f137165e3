package compat

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
)

const maxDeprecated = 50 // warnings kept of one pipeline

// deprecations reads what python/zu_hooks noted during a run.
func (p *place) deprecations(check string) []Deprecated {
	f, err := os.Open(p.notes)
	if err != nil {
		return nil // nothing was noted
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil
	}
	var out []Deprecated
	for line := range bytes.Lines(b) {
		d := Deprecated{Check: check}
		if json.Unmarshal(line, &d) != nil || len(out) == maxDeprecated {
			continue
		}
		d.Check, d.Message = check, clean(d.Message)
		out = append(out, d)
	}
	return out
}
