package tracking

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// room is kept free for the notice with which an issue gives way to another one.
const room = 400

// shorter are the lengths to which the words at a box are cut, one after the other, until all boxes fit.
var shorter = []int{400, 120, 40}

// text writes the text. Every box stands in it, whatever else has to go.
func (k *keeper) text(s state, t ticks, notes string) (string, error) {
	hidden, err := k.hide(s)
	if err != nil {
		return "", err
	}
	tail := hidden + "\n\n### Notes\n\nWhat stands below is yours and stays; all above is written anew.\n\n" + notesMarker + "\n" + notes
	limit := report.CommentLimit - len(k.id.marker()) - len(tail) - room
	for _, length := range shorter {
		var b bytes.Buffer
		if err = report.Markdown(&b, k.document(s, t, length), max(limit, 1)); err == nil {
			return k.id.marker() + "\n" + b.String() + "\n" + tail, nil
		}
	}
	return "", fmt.Errorf("the boxes and the notes of the tracking issue are longer than GitHub takes: shorten the notes: %w", err)
}

func (k *keeper) document(s state, t ticks, length int) report.Document {
	last := s.worst()
	d := report.Document{
		Title: "ZenML " + s.To, Decision: last.Decision, Headline: fmt.Sprintf("%s: %s", last.By, last.Says), Footer: "zenml-upgrade " + version.Tool,
	}
	if s.From != "" {
		d.Title = fmt.Sprintf("ZenML %s to %s", s.From, s.To)
	}
	if s.Environment != "" {
		d.Title += " on " + s.Environment
	}
	var steps []report.Section
	stands := report.Table{Header: []string{"Phase", "Done", "Failed", "Open"}}
	for _, p := range s.Phases {
		items, done, failed := k.items(s, t, p, length)
		open := len(items) - done - failed
		stands.Rows = append(stands.Rows, []report.Text{report.T(p.Title), report.T(fmt.Sprint(done)), report.T(fmt.Sprint(failed)), report.T(fmt.Sprint(open))})
		section := report.Section{Title: fmt.Sprintf("%s: %d of %d", p.Title, done, len(items)), Folded: failed == 0}
		if p.Note != "" {
			section.Blocks = append(section.Blocks, report.Para{Text: report.T("ZenML Pro, hosted: " + p.Note + ".")})
		}
		section.Blocks = append(section.Blocks, report.Checklist{Items: items})
		steps = append(steps, section)
	}
	d.Sections = append(d.Sections, report.Section{Title: "Where it stands", Blocks: []report.Block{stands}}, k.said(s))
	if len(s.Figures) > 0 {
		d.Sections = append(d.Sections, figures(s.Figures))
	}
	if len(s.Journal) > 0 {
		d.Sections = append(d.Sections, k.mirror(s))
	}
	d.Sections = append(d.Sections, steps...)
	d.Sections = append(d.Sections, k.rules())
	return d
}

// worst is the word that heads the issue: of a finished upgrade the one that finished it, before that the worst.
func (s state) worst() told {
	var out told
	for _, t := range s.Told {
		if s.Finished && t.By == checklist.StagingUpgrade {
			return t
		}
		if out.By == "" || verdict.Compare(t.Decision, out.Decision) > 0 {
			out = t
		}
	}
	return out
}

// items are the boxes of a phase, and how many are done and failed.
func (k *keeper) items(s state, t ticks, p Phase, length int) (items []report.CheckItem, done, failed int) {
	for _, step := range p.Steps {
		names, boxed := []string{""}, []string{step.ID}
		if slices.Contains(perTeam, step.ID) && len(k.wish.Teams) > 0 {
			names, boxed = nil, nil
			for _, team := range k.wish.Teams {
				names, boxed = append(names, team.Name), append(boxed, teamBox(step.ID, team.Name))
			}
		}
		i := slices.IndexFunc(s.Proofs, func(q proved) bool { return q.Step == step.ID })
		for n, box := range boxed {
			text := step.Text
			if names[n] != "" {
				text = report.Line(names[n], 60) + ": " + text
			}
			item := report.CheckItem{ID: box, Text: report.T(report.Line(text, length))}
			var proof *proved
			if i >= 0 {
				proof = &s.Proofs[i]
			}
			k.fill(&item, step, proof, t, length)
			if item.Done {
				done++
			} else if proof != nil && proof.State == checklist.Failed {
				failed++
			}
			items = append(items, item)
		}
	}
	return items, done, failed
}

// fill says whether a box is ticked, by what or whom.
func (k *keeper) fill(item *report.CheckItem, step Step, proof *proved, t ticks, length int) {
	box := report.BoxID(item.ID)
	counted, byPerson := t.counted[box]
	refused, byOther := t.refused[box]
	add := func(spans ...report.Span) { item.Text = append(item.Text, spans...) }
	switch {
	case proof != nil && proof.State == checklist.Failed:
		add(report.Span{Plain: " - "}, report.Span{Plain: "failed", Bold: true}, report.Span{Plain: ": " + report.Line(proof.Evidence, length)})
		add(k.link(proof.Run)...)
		if byPerson {
			add(report.Span{Plain: "; ticked by "}, report.Span{Code: counted.Login}, report.Span{Plain: ", which does not outweigh the run"})
		}
	case proof != nil && proof.State == checklist.Done:
		item.Done = true
		add(report.Span{Plain: " - " + report.Line(proof.Evidence, length)})
		add(k.link(proof.Run)...)
	case step.Done != "":
		item.Done = true
		add(report.Span{Plain: " - " + report.Line(step.Done, length)})
	case byPerson:
		item.Done = true
		add(report.Span{Plain: " - ticked by "}, report.Span{Code: counted.Login}, report.Span{Plain: " on " + counted.At.UTC().Format("2006-01-02 15:04 UTC")})
	case byOther && refused.Login == "":
		add(report.Span{Plain: " - ticked, nobody knows by whom: it does not count"})
	case byOther:
		add(report.Span{Plain: " - ticked by "}, report.Span{Code: refused.Login}, report.Span{Plain: ", who may not: it does not count"})
	case proof != nil:
		add(report.Span{Plain: " - " + report.Line(proof.Evidence, length)})
		add(k.link(proof.Run)...)
	}
	if !item.Done && step.By != checklist.Person {
		add(report.Span{Plain: " [" + string(step.By) + "]"})
	}
	if length > 100 {
		for _, n := range step.Notes {
			add(report.Span{Plain: "; " + report.Line(n, length)})
		}
	}
}

// link leads to a run. Only its number is kept: the address is this repository's.
func (k *keeper) link(run string) report.Text {
	if run == "" {
		return nil
	}
	number, _, _ := strings.Cut(run, "/")
	url := fmt.Sprintf("%s/%s/actions/runs/%s", strings.TrimSuffix(k.place.ServerURL, "/"), k.place.Repository, run)
	return report.Text{{Plain: " ("}, {Plain: "run " + number, URL: url}, {Plain: ")"}}
}

// said are the last words of the actions.
func (k *keeper) said(s state) report.Section {
	t := report.Table{Header: []string{"Action", "Verdict", "What it says", "Because", "Run"}}
	for _, w := range s.Told {
		codes := strings.Join(w.Codes[:min(len(w.Codes), 8)], ", ")
		t.Rows = append(t.Rows, []report.Text{report.T(string(w.By)), report.T(string(w.Decision)), report.T(report.Line(w.Says, 300)), report.C(codes), k.link(w.Run)})
	}
	return report.Section{Title: "What the runs say", Blocks: []report.Block{t}}
}

func figures(list []Figure) report.Section {
	t := report.Table{Header: []string{"Figure", "Value"}}
	for _, f := range list {
		t.Rows = append(t.Rows, []report.Text{report.T(f.Name), report.T(f.Value)})
	}
	return report.Section{Title: "Report", Blocks: []report.Block{t}}
}

// mirror shows the journal of the last run that changed the server.
func (k *keeper) mirror(s state) report.Section {
	t := report.Table{Header: []string{"Step", "Status", "Began", "Seconds"}}
	for _, e := range s.Journal {
		began := "not reached"
		if !e.At.IsZero() {
			began = e.At.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		t.Rows = append(t.Rows, []report.Text{report.T(report.Line(e.Step, 80)), report.T(report.Line(e.Status, 20)), report.T(began), report.T(fmt.Sprintf("%.1f", e.Seconds))})
	}
	words := append(report.T("A copy of the run's journal, to read. No gate, resume or rollback looks at it here"), k.link(s.JournalRun)...)
	return report.Section{Title: "Journal of the last upgrade or rollback", Folded: true, Blocks: []report.Block{report.Para{Text: words}, t}}
}

// rules say who may tick.
func (k *keeper) rules() report.Section {
	list := report.List{Items: []report.Text{
		report.T("A box is ticked by a run that proved its step, with a link to the run, or by a person. What a run found to have failed stays open, whoever ticks it."),
	}}
	who := report.Text{{Plain: "Ticks by people count from: "}}
	for i, login := range k.wish.Operators[:min(len(k.wish.Operators), 50)] {
		if i > 0 {
			who = append(who, report.Span{Plain: ", "})
		}
		who = append(who, report.Span{Code: login})
	}
	switch {
	case len(k.wish.Operators) > 0 && len(k.wish.Teams) > 0:
		who = append(who, report.Span{Plain: "; in a team's box also from its members."})
	case len(k.wish.Teams) > 0:
		who = report.T("Ticks by people count in a team's box, from its members; operators, who may tick all, are not named in the configuration.")
	case len(k.wish.Operators) == 0:
		who = report.T("Ticks by people do not count: the configuration names no operators.")
	}
	list.Items = append(list.Items, who)
	return report.Section{Title: "Who may tick", Folded: true, Blocks: []report.Block{list}}
}
