package tracking_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

const (
	bot   = "github-actions[bot]"
	churn = "acme/churn"
)

// world is a GitHub with a token that may write issues, and one that may only read.
func world(t *testing.T) *github.Server {
	t.Helper()
	s := github.NewEnterprise(t)
	s.AddRepository(churn)
	s.AddToken("writer", github.JobToken("issues"))
	s.AddToken("reader", github.JobToken())
	return s
}

func writer(t *testing.T, s *github.Server, token string, dry bool) *forge.Writer {
	t.Helper()
	w, err := forge.NewWriter(forge.Access{APIURL: s.URL, GraphQLURL: s.GraphQLURL, Token: token, DryRun: dry})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func place(run string) tracking.Place {
	return tracking.Place{Repository: forge.Repository{Owner: "acme", Name: "churn"}, ServerURL: "https://github.com", RunID: run}
}

// wish is the issue of production, where ann is the operator and bob of a team.
func wish() tracking.Wish {
	return tracking.Wish{Environment: "production", Operators: []string{"ann"}, Teams: []config.Team{{Name: "risk", Members: []string{"bob"}}, {Name: "growth", Members: []string{"cid"}}}}
}

// phases is the whole guide for an upgrade.
func phases(t *testing.T, proofs map[string]checklist.Proof) ([]tracking.Phase, []tracking.Proof) {
	t.Helper()
	no := false
	list, err := checklist.Make(checklist.Conditions{Deployment: checklist.OSS, Breaking: &no, From: "0.97.0", To: "0.98.0"}, proofs)
	if err != nil {
		t.Fatal(err)
	}
	return tracking.Steps(list)
}

// checked is what a release-check says.
func checked(t *testing.T) tracking.Run {
	t.Helper()
	p, proofs := phases(t, map[string]checklist.Proof{checklist.NotesRead: {State: checklist.Done, Evidence: "3 releases read"}, checklist.PlanPins: {State: checklist.Failed, Evidence: "1 conflict"}})
	return tracking.Run{From: "0.97.0", To: "0.98.0", By: checklist.ReleaseCheck, Phases: p, Whole: true, Proofs: proofs, Decision: verdict.Block, Says: "This repository does not work with ZenML 0.98.0 as it stands.", Codes: []string{"pins_conflict"}}
}

// rehearsed is what a staging-upgrade says.
func rehearsed() tracking.Run {
	return tracking.Run{From: "0.97.0", To: "0.98.0", By: checklist.StagingUpgrade, Decision: verdict.Pass, Says: "The upgrade worked on a restored copy.", Proofs: []tracking.Proof{{Step: "1-database-backup", State: checklist.Done, Evidence: "backed up"}, {Step: "4-workflows", State: checklist.Done, Evidence: "made up"}}}
}

func update(t *testing.T, s *github.Server, run string, w tracking.Wish, r tracking.Run) string {
	t.Helper()
	said, err := tracking.Update(t.Context(), writer(t, s, "writer", false), place(run), w, r)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// tick turns a box in a text as the browser does, which ends lines with \r\n.
func tick(box string, on bool) func(string) string {
	from, to := "- [ ] ", "- [x] "
	if !on {
		from, to = to, from
	}
	return func(body string) string {
		lines := strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
		for i, l := range lines {
			if strings.HasSuffix(l, "<!-- box:"+box+" -->") {
				lines[i] = strings.Replace(l, from, to, 1)
			}
		}
		return strings.Join(lines, "\r\n")
	}
}

// line is what the issue says at a box, without the mark.
func line(t *testing.T, s *github.Server, number int, box string) string {
	t.Helper()
	for l := range strings.Lines(s.Issue(churn, number).Body) {
		if text, ok := strings.CutSuffix(strings.TrimSpace(l), " <!-- box:"+box+" -->"); ok {
			return text
		}
	}
	t.Errorf("no box %q", box)
	return ""
}

func want(t *testing.T, s *github.Server, box, prefix string, parts ...string) {
	t.Helper()
	got := line(t, s, 1, box)
	for _, p := range append(parts, prefix) {
		if !strings.HasPrefix(got, prefix) || !strings.Contains(got, p) {
			t.Errorf("%s says %q, want %q with %q", box, got, prefix, p)
		}
	}
}

// The first run makes the issue, the next changes nothing with two requests, and runs of other actions add what
// they prove: never a person's step.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	s := world(t)
	if said := update(t, s, "1", wish(), checked(t)); said != "Tracking issue 1: created." {
		t.Error(said)
	}
	i := s.Issue(churn, 1)
	if i.Title != "Upgrade ZenML on production to 0.98.0" || i.Author != bot || cmp.Diff([]string{"zenml-upgrade"}, i.Labels) != "" {
		t.Errorf("%+v", i)
	}
	want(t, s, checklist.NotesRead, "- [x] ", "3 releases read ([run 1](https://github.com/acme/churn/actions/runs/1))")
	want(t, s, checklist.PlanPins, "- [ ] ", "<strong>failed</strong>", "1 conflict")
	w := writer(t, s, "writer", false)
	if said, err := tracking.Update(t.Context(), w, place("2"), wish(), checked(t)); err != nil || said != "Tracking issue 1: unchanged." || w.Requests() != 2 || w.Writes() != 0 {
		t.Errorf("%s, %v, %d requests, %d writes", said, err, w.Requests(), w.Writes())
	}
	update(t, s, "3", wish(), rehearsed())
	want(t, s, "1-database-backup", "- [x] ", "backed up", "run 3")
	want(t, s, "4-workflows", "- [ ] ")
	want(t, s, checklist.NotesRead, "- [x] ", "run 1")
	if again := s.Writes(); update(t, s, "4/attempts/2", wish(), rehearsed()) != "Tracking issue 1: unchanged." || s.Writes() != again {
		t.Error("written although nothing changed")
	}
	gone := checked(t)
	gone.Proofs = nil
	update(t, s, "5", wish(), gone)
	want(t, s, checklist.NotesRead, "- [ ] ")
	want(t, s, "1-database-backup", "- [x] ", "run 3")
}

// A tick counts with its author only, and only from those who may.
func TestPeople(t *testing.T) {
	t.Parallel()
	s := world(t)
	update(t, s, "1", wish(), checked(t))
	edit := func(who, box string, on bool) { s.EditIssue(churn, 1, who, tick(box, on)) }
	edit("Ann", "4-workflows", true)        // logins know no case
	edit("ann", checklist.PlanPins, true)   // against a run
	edit("eve", "4-both", true)             // no operator
	edit("", "4-power-users", true)         // an account that is gone
	edit("eve", checklist.NotesRead, false) // a run's
	for _, team := range []string{"risk", "growth"} {
		edit("bob", teamBox(t, s, team), true)
	}
	update(t, s, "2", wish(), checked(t))
	want(t, s, "4-workflows", "- [x] ", "ticked by `Ann` on 2026-01-02")
	want(t, s, checklist.PlanPins, "- [ ] ", "failed", "ticked by `ann`, which does not outweigh the run")
	want(t, s, "4-both", "- [ ] ", "ticked by `eve`, who may not: it does not count")
	want(t, s, "4-power-users", "- [ ] ", "nobody knows by whom")
	want(t, s, checklist.NotesRead, "- [x] ", "3 releases read")
	want(t, s, teamBox(t, s, "risk"), "- [x] ", "risk: Teams: each team", "ticked by `bob`")
	want(t, s, teamBox(t, s, "growth"), "- [ ] ", "ticked by `bob`, who may not")

	edit("eve", "4-workflows", false) // for somebody else
	update(t, s, "3", wish(), checked(t))
	want(t, s, "4-workflows", "- [x] ", "ticked by `Ann`")
	edit("ann", "4-workflows", false)
	update(t, s, "4", wish(), checked(t))
	want(t, s, "4-workflows", "- [ ] ")
	more := wish()
	more.Operators = append(more.Operators, "eve") // what was ticked before counts from now on
	update(t, s, "5", more, checked(t))
	want(t, s, "4-both", "- [x] ", "ticked by `eve`")
	update(t, s, "6", tracking.Wish{Environment: "production"}, checked(t))
	if body := s.Issue(churn, 1).Body; !strings.Contains(body, "names no operators") {
		t.Errorf("no word of who may tick in:\n%s", body)
	}
	want(t, s, "4-both", "- [ ] ", "eve", "does not count")
}

// teamBox is the mark of a team's box of the step that each team does.
func teamBox(t *testing.T, s *github.Server, team string) string {
	t.Helper()
	for l := range strings.Lines(s.Issue(churn, 1).Body) {
		if _, id, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(l), " -->"), "<!-- box:"); ok && strings.Contains(l, "] "+team+": ") && strings.Contains(l, "use cases") {
			return id
		}
	}
	t.Fatalf("no box of %s", team)
	return ""
}

// Between an update's look and its write a person ticks a box, twice over, and another run writes: nothing is lost.
func TestMeanwhile(t *testing.T) {
	t.Parallel()
	s := world(t)
	update(t, s, "1", wish(), checked(t))
	round := 0
	s.Before("issues/update", func() {
		round++
		switch round {
		case 1:
			s.EditIssue(churn, 1, "ann", tick("4-workflows", true))
		case 2:
			s.EditIssue(churn, 1, "ann", tick("4-both", true))
		}
	})
	update(t, s, "2", wish(), rehearsed())
	want(t, s, "4-workflows", "- [x] ", "ticked by `ann`")
	want(t, s, "4-both", "- [x] ", "ticked by `ann`")
	want(t, s, "1-database-backup", "- [x] ")
	if round != 3 {
		t.Errorf("%d writes", round)
	}
}

// Another run's write falls between an update's look and its write.
func TestOverwritten(t *testing.T) {
	t.Parallel()
	s := world(t)
	update(t, s, "1", wish(), checked(t))
	s.Before("issues/update", func() {
		s.Before("issues/update", nil)
		update(t, s, "2", wish(), rehearsed())
	})
	r := checked(t)
	r.Decision, r.Says = verdict.Review, "Read this."
	update(t, s, "3", wish(), r)
	want(t, s, "1-database-backup", "- [x] ", "run 2")
	if body := s.Issue(churn, 1).Body; !strings.Contains(body, "Read this.") {
		t.Error("this run's word is not there")
	}
}

// Two runs and a person at once, in any order: the issue tells of all.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	s := world(t)
	update(t, s, "1", wish(), checked(t))
	tested := tracking.Run{To: "0.98.0", By: checklist.CompatTest, Decision: verdict.Pass, Says: "All pass.", Proofs: []tracking.Proof{{Step: "2-existing-pipelines", State: checklist.Done, Evidence: "4 pipelines", Elsewhere: true}}}
	people := []string{"4-workflows", "4-both", "4-custom-code", "4-permissions"}
	var group sync.WaitGroup
	for i, r := range []tracking.Run{rehearsed(), tested} {
		group.Add(1)
		go func() {
			defer group.Done()
			// Every writer may be overtaken as often as there are others' writes; one that gives up says so.
			for {
				if _, err := tracking.Update(t.Context(), writer(t, s, "writer", false), place(fmt.Sprint(i+2)), wish(), r); err == nil {
					return
				} else if !strings.Contains(err.Error(), "no tick is lost") {
					t.Error(err)
					return
				}
			}
		}()
	}
	group.Add(1)
	go func() {
		defer group.Done()
		for _, box := range people {
			s.EditIssue(churn, 1, "ann", tick(box, true))
		}
	}()
	group.Wait()
	update(t, s, "4", wish(), checked(t)) // what people did after the last look
	want(t, s, "1-database-backup", "- [x] ", "backed up")
	want(t, s, "2-existing-pipelines", "- [x] ", "4 pipelines")
	for _, box := range people {
		want(t, s, box, "- [x] ", "ticked by `ann`")
	}
}

// A dry run says what it would do.
func TestDryRun(t *testing.T) {
	t.Parallel()
	s := world(t)
	dry := func() string {
		said, err := tracking.Update(t.Context(), writer(t, s, "reader", true), place("1"), wish(), rehearsed())
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	first := dry()
	update(t, s, "1", wish(), checked(t))
	writes := s.Writes()
	if d := cmp.Diff([]string{"Dry run, nothing was written. The tracking issue would be made.", "Dry run, nothing was written. Tracking issue 1 would be: updated."}, []string{first, dry()}); d != "" || s.Writes() != writes {
		t.Errorf("%s; %d writes", d, s.Writes()-writes)
	}
}
