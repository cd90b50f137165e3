package checklist

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
)

// steps makes the checklist without proofs and returns its steps by id.
func steps(t *testing.T, c Conditions) map[string]Step {
	t.Helper()
	phases, err := Make(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Step{}
	for _, p := range phases {
		for _, s := range p.Steps {
			if _, twice := out[s.ID]; twice {
				t.Errorf("step %q stands twice", s.ID)
			}
			if s.State != Open && s.State != Undecided {
				t.Errorf("step %q is %q without a proof", s.ID, s.State)
			}
			if s.ProvedBy == "" || s.Audience == "" || strings.Contains(s.Text, "{") {
				t.Errorf("step %+v", s)
			}
			out[s.ID] = s
		}
	}
	return out
}

func TestConditions(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, tc := range map[string]struct {
		c    Conditions
		want string // + there, - not there, ? undecided
	}{
		"own server, breaking":     {Conditions{Deployment: OSS, Breaking: &yes}, "+1-database-backup -1-templates-listed -5-schedule +5-breaking-guides -3-control-plane"},
		"own server, not breaking": {Conditions{Breaking: &no}, "+1-database-backup -1-templates-listed +5-schedule -5-breaking-guides"},
		"own server, not known":    {Conditions{Deployment: OSS}, "+1-database-backup ?5-schedule ?5-breaking-guides"},
		"hosted, breaking":         {Conditions{Deployment: ProSaaS, Breaking: &yes}, "-1-database-backup +1-templates-listed -5-breaking-upgrade +5-breaking-guides -3-control-plane -rollback-restore -own-timing +plan-staging"},
		"pro on own, not known":    {Conditions{Deployment: ProSelfHosted}, "+1-database-backup +1-templates-listed ?5-schedule ?5-breaking-guides +3-control-plane ?5-control-plane"},
		"no templates yet":         {Conditions{Deployment: ProSaaS, From: "0.62.0", To: "0.98.0"}, "-1-templates-listed -3-templates-run -4-templates +plan-templates"},
		"templates":                {Conditions{Deployment: ProSaaS, From: "0.63.0", To: "0.85.0"}, "+1-templates-listed +3-templates-run +4-templates"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, got := steps(t, tc.c), []string{}
			for _, w := range strings.Fields(tc.want) {
				s, there := all[w[1:]]
				mark := "-"
				if there {
					mark = map[State]string{Open: "+", Undecided: "?"}[s.State]
				}
				got = append(got, mark+w[1:])
			}
			if d := cmp.Diff(tc.want, strings.Join(got, " ")); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
		})
	}
}

func TestTemplatesHaveTwoNames(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"0.63.0": "export or list all run templates (snapshots since 0.90.0)", "0.90.0": "export or list all snapshots (run templates before 0.90.0)",
	} {
		if got := steps(t, Conditions{Deployment: ProSaaS, From: from, To: "0.98.0"})["1-templates-listed"].Text; got != want {
			t.Errorf("from %s: %q", from, got)
		}
	}
}

func TestTheHostedOnesAreToldWhatToSkip(t *testing.T) {
	t.Parallel()
	for d, want := range map[Deployment]int{ProSaaS: 6, OSS: 0, ProSelfHosted: 0} {
		phases, err := Make(Conditions{Deployment: d}, nil)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, p := range phases {
			if p.Note != "" {
				told++
			}
		}
		if told != want { // one for each of the guide's call-outs that stands over a chapter
			t.Errorf("%s: %d notes, want %d", d, told, want)
		}
	}
}

func TestWhoProves(t *testing.T) {
	t.Parallel()
	for d, want := range map[Deployment][]Prover{
		OSS: {ReleaseCheck, CompatTest, StagingUpgrade, Person}, ProSaaS: {ReleaseCheck, CompatTest, Person, Person},
	} {
		all := steps(t, Conditions{Deployment: d})
		var got []Prover
		for _, id := range []string{NotesRead, "2-artifacts-load", "3-light-pipelines", "4-teams"} {
			got = append(got, all[id].ProvedBy)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d, diff)
		}
	}
}

func TestOnlyProofTicks(t *testing.T) {
	t.Parallel()
	phases, err := Make(Conditions{
		Acks: []Acknowledged{{Finding: "a", Title: "one", Owner: "me", Migrated: true}, {Finding: "b", Title: "two", Owner: "me"}, {Finding: "b", Title: "two", Owner: "me"}},
	}, map[string]Proof{PythonSupport: {Done, "3.11 is supported"}, PlanCode: {Failed, "2 breakages"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]State{}
	for _, p := range phases {
		for _, s := range p.Steps {
			if s.State == Done || s.State == Failed || strings.HasPrefix(s.ID, "change-b") {
				got[s.ID] = s.State
			}
		}
	}
	if d := cmp.Diff(map[string]State{PythonSupport: Done, PlanCode: Failed, "change-a": Done, "change-b": Open}, got); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
	if _, err := Make(Conditions{}, map[string]Proof{"9-nothing": {}}); err == nil {
		t.Error("a proof of no step was taken")
	}
}

// phase5 are the steps of the production upgrade in order, the changed ones marked with *.
func phase5(t *testing.T, c Conditions) (ids, reasons string) {
	t.Helper()
	phases, err := Make(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all, why []string
	for _, p := range phases {
		for _, s := range p.Steps {
			mark := ""
			if s.Moved != nil {
				mark = "*"
				why = append(why, *s.Moved)
			}
			if p.Number == 5 {
				all = append(all, mark+strings.TrimPrefix(s.ID, "5-"))
			} else if mark != "" && s.ID != tellClients {
				t.Errorf("step %q was moved", s.ID)
			}
		}
	}
	return strings.Join(all, " "), strings.Join(why, "\n")
}

func path(from, to string) []hops.Hop {
	return hops.Plan(hops.Question{From: from, To: to, Crossed: []string{to}, Requires: func(string) (string, error) { return ">=3.10", nil }}).Hops
}

func TestFactsRewriteTheOrder(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	plain := "schedule upgrade smoke monitor communicate clients"
	together := []Order{{Why: "finding x: upgrade both"}}
	first := []Order{{ClientsFirst: true, Why: "finding y: clients first"}}
	for name, tc := range map[string]struct {
		c    Conditions
		want string
		says string
	}{
		"the guide's order":         {Conditions{Breaking: &no, Path: path("0.97.0", "0.98.0")}, plain, ""},
		"nobody measured it":        {Conditions{Breaking: &no, Path: path("0.95.0", "0.96.0")}, plain, ""},
		"0.90.0 crossed":            {Conditions{Breaking: &no, Path: path("0.85.0", "0.98.0")}, "schedule upgrade *clients smoke monitor communicate", "release notes of 0.90.0; measured: 0.85.0 with 0.98.0"},
		"and something breaks":      {Conditions{Breaking: &yes, Path: path("0.85.0", "0.98.0")}, "*breaking-upgrade *breaking-clients breaking-guides breaking-time breaking-tests breaking-rollout breaking-support", "0.90.0"},
		"the notes say so":          {Conditions{Breaking: &no, Orders: together}, "schedule upgrade *clients smoke monitor communicate", "finding x"},
		"clients first":             {Conditions{Breaking: &no, Orders: first}, "schedule *clients upgrade smoke monitor communicate", "finding y"},
		"clients first, breaking":   {Conditions{Breaking: &yes, Orders: first}, "*breaking-clients *breaking-upgrade breaking-guides breaking-time breaking-tests breaking-rollout breaking-support", "finding y"},
		"both are said":             {Conditions{Breaking: &no, Orders: append(first, together...)}, "schedule upgrade *clients smoke monitor communicate", "finding x"},
		"hosted":                    {Conditions{Breaking: &no, Deployment: ProSaaS, Orders: together}, "*clients smoke monitor communicate", "finding x"},
		"the control plane is next": {Conditions{Breaking: &no, Deployment: ProSelfHosted, Orders: together}, "schedule control-plane upgrade *clients smoke monitor communicate", "finding x"},
		"not known whether it breaks": {Conditions{Orders: together},
			"schedule upgrade *clients smoke monitor communicate *breaking-upgrade *breaking-clients breaking-guides breaking-time breaking-tests breaking-rollout breaking-support", "finding x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, reasons := phase5(t, tc.c)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("order (-want +got):\n%s", d)
			}
			if !strings.Contains(reasons, tc.says) || (tc.says == "") != (reasons == "") {
				t.Errorf("%q is not in %q", tc.says, reasons)
			}
		})
	}
}

func TestTheServersStepNamesThePath(t *testing.T) {
	t.Parallel()
	c := Conditions{Path: append(path("0.20.5", "0.54.0"), path("0.54.0", "0.98.0")...), Before: []string{"no more than one workspace"}}
	want := []string{"before it: no more than one workspace", "in 2 hops: 0.20.5, then 0.54.0, then 0.98.0"}
	for _, id := range []string{stagingServer, server, brokenServer} {
		if d := cmp.Diff(want, steps(t, c)[id].Notes); d != "" {
			t.Errorf("%s (-want +got):\n%s", id, d)
		}
	}
	if got := steps(t, Conditions{Path: path("0.97.0", "0.98.0")})[clients].Notes; len(got) != 1 || !strings.Contains(got[0], "measured") {
		t.Errorf("notes of the clients' step: %q", got)
	}
}

func TestOrderOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Client-server compatibility: both must be upgraded simultaneously.":                                 "together",
		"The ZenML client of the previous version is no longer compatible with a server of the new version.": "together",
		"Clients and the server have to be on the same version.":                                             "together",
		"Upgrade all clients first, then the server.":                                                        "clients first",
		"Clients must be upgraded before the server.":                                                        "clients first",
		"Fixed a crash of the server when a client disconnects.":                                             "",
		"The server no longer works with urllib3 and kubernetes client library versions.":                    "",
		"Stacks and pipelines are listed together.":                                                          "",
		"The client caches what the server sends. Pipelines and runs are listed together.":                   "",
		"The clientele of the server is not compatible with us.":                                             "",
	} {
		first, ok := OrderOf(text)
		got := map[bool]string{true: "together"}[ok]
		if first {
			got = "clients first"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Points that only people read are no boxes; boxes are ticked by proof alone.
func TestSections(t *testing.T) {
	t.Parallel()
	phases, err := Make(Conditions{Orders: []Order{{Why: "finding x"}}}, map[string]Proof{PythonSupport: {Done, "3.11"}, Dependencies: {Failed, "1 conflict"}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.Markdown(&b, report.Document{Sections: Sections(phases)}, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<strong>Phase 2: Code and compatibility testing (1-2 days)</strong>", "- [x] Local testing: verify the Python versions in use with the new version (3.11)\n",
		"- [ ] Local testing: check integrations' requirements for conflicts - failed (1 conflict)\n",
		"- [ ] Database backup: create a full backup of the database \\[staging-upgrade\\]", "undecided: whether anything breaks is not known",
		"Changed: the guide upgrades clients after the server; here: finding x\n", "- Costs: update cost tags\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in:\n%s", want, b.String())
		}
	}
	if strings.Count(b.String(), "- [x]") != 1 {
		t.Errorf("boxes ticked: %d, want 1", strings.Count(b.String(), "- [x]"))
	}
}
