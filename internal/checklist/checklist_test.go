package checklist

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ids(t *testing.T, c Conditions) map[string]bool {
	t.Helper()
	phases, err := Make(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, p := range phases {
		for _, s := range p.Steps {
			if out[s.ID] {
				t.Errorf("step %q stands twice", s.ID)
			}
			if s.State != Open {
				t.Errorf("step %q is %q without a proof", s.ID, s.State)
			}
			out[s.ID] = true
		}
	}
	return out
}

func TestConditions(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, tc := range map[string]struct {
		c    Conditions
		want map[string]bool
	}{
		"own server, breaking":     {Conditions{OSS, &yes}, map[string]bool{"1-database-backup": true, "1-templates-listed": false, "5-schedule": false, "5-breaking-guides": true}},
		"own server, not breaking": {Conditions{"", &no}, map[string]bool{"1-database-backup": true, "1-templates-listed": false, "5-schedule": true, "5-breaking-guides": false}},
		"hosted, breaking":         {Conditions{ProSaaS, &yes}, map[string]bool{"1-database-backup": false, "1-templates-listed": true, "5-breaking-upgrade": false, "5-breaking-guides": true}},
		"pro on own, not known":    {Conditions{ProSelfHosted, nil}, map[string]bool{"1-database-backup": true, "1-templates-listed": true, "5-schedule": true, "5-breaking-guides": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, got := ids(t, tc.c), map[string]bool{}
			for id := range tc.want {
				got[id] = all[id]
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
		})
	}
}

func TestOnlyProofTicks(t *testing.T) {
	t.Parallel()
	phases, err := Make(Conditions{}, map[string]Proof{PythonSupport: {Done, "3.11 is supported"}, CodeReview: {Failed, "2 breakages"}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]State{}
	for _, p := range phases {
		for _, s := range p.Steps {
			if s.State != Open {
				got[s.ID] = s.State
			}
		}
	}
	if d := cmp.Diff(map[string]State{PythonSupport: Done, CodeReview: Failed}, got); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
	if _, err := Make(Conditions{}, map[string]Proof{"9-nothing": {}}); err == nil {
		t.Error("a proof of no step was taken")
	}
}
