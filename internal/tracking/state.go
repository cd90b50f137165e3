package tracking

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// state is what the text hides: what runs said, to write the text anew from. It is for showing only; no
// gate, resume or rollback reads it. It holds no host, path or name of a table.
type state struct {
	Environment string   `json:"env"`
	From        string   `json:"from"`
	To          string   `json:"to"`
	Finished    bool     `json:"finished,omitempty"`
	Whole       bool     `json:"whole,omitempty"` // the phases were made from facts
	Phases      []Phase  `json:"phases,omitempty"`
	Proofs      []proved `json:"proofs,omitempty"` // by step
	Told        []told   `json:"told,omitempty"`   // by action
	Figures     []Figure `json:"figures,omitempty"`
	Journal     []Entry  `json:"journal,omitempty"` // of the last run that changed the server
	JournalRun  string   `json:"journal_run,omitempty"`
}

// proved is a proof and the run that made it.
type proved struct {
	Proof
	By  checklist.Prover `json:"b"`
	Run string           `json:"r,omitempty"`
}

// told is the last word of an action.
type told struct {
	By       checklist.Prover `json:"b"`
	Decision verdict.Decision `json:"d"`
	Says     string           `json:"t"`
	Codes    []string         `json:"c,omitempty"`
	Run      string           `json:"r,omitempty"`
}

// Bounds of a hidden state: in the text, and unpacked.
const (
	largestHidden   = 24 << 10
	largestUnpacked = 1 << 20
	mostEntries     = 60 // of a journal
)

var (
	hiddenForm = regexp.MustCompile(`<!-- zenml-upgrade:state v1 ([A-Za-z0-9+/]+={0,2}) ([0-9a-f]{64}|unsigned) -->`)
	runForm    = regexp.MustCompile(`^[0-9]{1,19}(/attempts/[0-9]{1,9})?$`)
)

// hide encodes the state for a comment of HTML. A state that is too large loses the notes at its steps, then
// the steps, which the next release-check makes anew.
func (k *keeper) hide(s state) (string, error) {
	for round := 0; ; round++ {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if err := json.NewEncoder(z).Encode(s); err != nil {
			return "", fmt.Errorf("encoding the state of the tracking issue: %w", err)
		}
		if err := z.Close(); err != nil {
			return "", fmt.Errorf("encoding the state of the tracking issue: %w", err)
		}
		payload := base64.StdEncoding.EncodeToString(packed.Bytes())
		if len(payload) <= largestHidden || round == 2 {
			return fmt.Sprintf("<!-- zenml-upgrade:state v1 %s %s -->", payload, k.sign(payload)), nil
		}
		if s.Phases = withoutNotes(s.Phases); round == 1 {
			s.Phases, s.Whole = nil, false
		}
	}
}

func withoutNotes(phases []Phase) []Phase {
	out := slices.Clone(phases)
	for i := range out {
		out[i].Steps = slices.Clone(out[i].Steps)
		for j := range out[i].Steps {
			out[i].Steps[j].Notes = nil
		}
	}
	return out
}

// sign binds a payload to this repository, environment and target.
func (k *keeper) sign(payload string) string {
	if len(k.wish.Key) == 0 {
		return "unsigned"
	}
	mac := hmac.New(sha256.New, k.wish.Key)
	fmt.Fprintf(mac, "zenml-upgrade tracking state v1\n%s\n%s\n%s\n%s", k.place.Repository, k.id.Environment, k.id.To, payload)
	return hex.EncodeToString(mac.Sum(nil))
}

// reveal decodes the state in a text. signed says that it bears a signature of the key.
func (k *keeper) reveal(body string) (s state, signed, ok bool) {
	m := hiddenForm.FindStringSubmatch(body)
	if m == nil {
		return state{}, false, false
	}
	signed = len(k.wish.Key) > 0 && hmac.Equal([]byte(m[2]), []byte(k.sign(m[1])))
	packed, err := base64.StdEncoding.DecodeString(m[1])
	if err != nil {
		return state{}, false, false
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return state{}, false, false
	}
	text, err := io.ReadAll(io.LimitReader(z, largestUnpacked+1))
	if err != nil || len(text) > largestUnpacked || json.Unmarshal(text, &s) != nil || !s.sound() || s.Environment != k.id.Environment || s.To != k.id.To {
		return state{}, false, false
	}
	return s, signed, true
}

// sound says whether a decoded state holds nothing but what this program writes.
func (s state) sound() bool {
	for _, p := range s.Proofs {
		if !slices.Contains([]checklist.State{checklist.Done, checklist.Open, checklist.Failed}, p.State) || p.Run != "" && !runForm.MatchString(p.Run) {
			return false
		}
	}
	for _, t := range s.Told {
		if !t.Decision.Known() || t.Run != "" && !runForm.MatchString(t.Run) {
			return false
		}
	}
	return s.JournalRun == "" || runForm.MatchString(s.JournalRun)
}

// known is the state to go on from: that of the newest text which this token wrote, but not this update: another
// run may have written in between, without what this one says. A text by anybody else counts only with
// the key's signature, and with a key no other state counts at all.
func (k *keeper) known(h forge.History) state {
	own := h.Revisions
	if len(own) == 0 && !h.Edited {
		own = []forge.Revision{{Editor: h.Author, Body: h.Body}}
	}
	for _, r := range slices.Backward(own) {
		if s, signed, ok := k.reveal(r.Body); ok && r.Editor == k.viewer && !k.wrote[normal(r.Body)] && (signed || len(k.wish.Key) == 0) {
			return s
		}
	}
	for _, r := range slices.Backward(append(slices.Clone(own), forge.Revision{Body: h.Body})) {
		if s, signed, ok := k.reveal(r.Body); ok && signed && !k.wrote[normal(r.Body)] {
			return s
		}
	}
	return state{}
}

// apply joins what is known with what a run says. What a run says again keeps the link to the run that said it
// first, so that nothing is written when nothing changed. Of a run for another environment than the only
// the proofs that hold everywhere count.
func (k *keeper) apply(s state) state {
	r, runID, here := k.run, k.place.RunID, k.wish.Environment == k.id.Environment
	s.Environment, s.To = k.id.Environment, k.id.To
	if r.From != "" && (here || s.From == "") {
		s.From = r.From
	}
	if r.Whole || !s.Whole && len(s.Phases) == 0 {
		s.Phases, s.Whole = r.Phases, r.Whole
	}
	s.Proofs = s.prove(r, runID, here)
	word := told{By: r.By, Decision: r.Decision, Says: r.Says, Codes: r.Codes, Run: runID}
	if here || r.By != checklist.StagingUpgrade {
		s.Told = slices.Clone(s.Told)
		i, there := slices.BinarySearchFunc(s.Told, r.By, func(t told, by checklist.Prover) int { return strings.Compare(string(t.By), string(by)) })
		switch {
		case !there:
			s.Told = slices.Insert(s.Told, i, word)
		case s.Told[i].Decision != word.Decision || s.Told[i].Says != word.Says || !slices.Equal(s.Told[i].Codes, word.Codes):
			s.Told[i] = word
		}
	}
	if here && r.Finished {
		s.Finished, s.Figures = true, r.Figures
	}
	if here && len(r.Journal) > 0 && !slices.Equal(s.Journal, r.Journal) {
		s.Journal, s.JournalRun = r.Journal[:min(len(r.Journal), mostEntries)], runID
	}
	return s
}

// prove joins the proofs. Only the action that can prove a step is believed, so no run ever ticks a person's.
func (s state) prove(r Run, runID string, here bool) []proved {
	provers := map[string]checklist.Prover{}
	for _, p := range s.Phases {
		for _, step := range p.Steps {
			provers[step.ID] = step.By
		}
	}
	by := map[string]proved{}
	for _, p := range s.Proofs {
		if provers[p.Step] == p.By {
			by[p.Step] = p
		}
	}
	said := map[string]bool{}
	for _, p := range r.Proofs {
		if provers[p.Step] != r.By || !here && !p.Elsewhere {
			continue
		}
		said[p.Step] = true
		if old, ok := by[p.Step]; !ok || old.State != p.State || old.Evidence != p.Evidence {
			by[p.Step] = proved{Proof: p, By: r.By, Run: runID}
		}
	}
	var out []proved
	for _, p := range by {
		if !r.Whole || p.By != r.By || said[p.Step] {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b proved) int { return strings.Compare(a.Step, b.Step) })
	return out
}
