package forge_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

func check(annotations int) forge.Check {
	c := forge.Check{Repository: churn, Name: "release-check findings", HeadSHA: head, Failed: true, Title: "Block", Summary: "see [run](https://github.com/acme/churn/actions/runs/1)"}
	for i := range annotations {
		c.Annotations = append(c.Annotations, forge.Annotation{Path: "a.py", Line: i, Failure: i < 2, Title: strings.Repeat("t", 300), Message: fmt.Sprint("gone ", i)})
	}
	return c
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := world(t)
	w := writer(t, s, "writer", false)
	c := check(120)
	want := []forge.Change{forge.Created, forge.Unchanged, forge.Created}
	var got []forge.Change
	for i := range 3 {
		switch i {
		case 1:
			c.Summary = "see [run](https://github.com/acme/churn/actions/runs/2)"
		case 2:
			c.Failed, c.Annotations = false, nil
		}
		change, err := w.EnsureCheck(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, change)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	runs := s.Checks(churn.String())
	if len(runs) != 2 || len(runs[0].Annotations) != 120 || runs[0].Conclusion != "failure" || runs[1].Conclusion != "success" || s.Writes() != 4 {
		t.Fatalf("%d runs, %d writes: %.300v", len(runs), s.Writes(), runs)
	}
	first, last := runs[0].Annotations[0], runs[0].Annotations[119]
	if first.Level != "failure" || first.StartLine != 1 || last.Level != "warning" || last.Message != "gone 119" || len([]rune(first.Title)) > 255 {
		t.Errorf("%v %v", first, last)
	}
}

// A check run that has only a part of its annotations is not taken for a whole one.
func TestCheckCutShort(t *testing.T) {
	t.Parallel()
	s := world(t)
	w := writer(t, s, "writer", false)
	s.Fail(github.Failure{Operation: "checks/update", Status: 403})
	if _, err := w.EnsureCheck(t.Context(), check(60)); err == nil {
		t.Fatal("no error")
	}
	if change, err := w.EnsureCheck(t.Context(), check(60)); err != nil || change != forge.Created {
		t.Errorf("%s %v", change, err)
	}
	if runs := s.Checks(churn.String()); len(runs) != 2 || len(runs[1].Annotations) != 60 {
		t.Errorf("%d runs", len(runs))
	}
}

// One run is made although the first answer is lost.
func TestCheckNoBlindRepeat(t *testing.T) {
	t.Parallel()
	s := world(t)
	s.Fail(github.Failure{Operation: "checks/create", Status: 502, After: true})
	if change, err := writer(t, s, "writer", false).EnsureCheck(t.Context(), check(60)); err != nil || change != forge.Created {
		t.Errorf("%s %v", change, err)
	}
	if runs := s.Checks(churn.String()); len(runs) != 1 || len(runs[0].Annotations) != 60 {
		t.Errorf("%d runs", len(runs))
	}
}

func TestLabels(t *testing.T) {
	t.Parallel()
	s := world(t)
	w := writer(t, s, "writer", false)
	managed := []string{"blocked", "stale"}
	s.AddIssue(churn.String(), github.Issue{Number: 8, Author: "ann", Labels: []string{"theirs", "stale"}})
	for _, tt := range []struct {
		has, want []string
		change    forge.Change
		left      []string
	}{
		{[]string{"theirs", "stale"}, []string{"blocked"}, forge.Created, []string{"theirs", "blocked"}},
		{[]string{"theirs", "blocked"}, []string{"blocked"}, forge.Unchanged, []string{"theirs", "blocked"}},
		{[]string{"theirs", "blocked"}, nil, forge.Removed, []string{"theirs"}},
		{[]string{"theirs", "blocked"}, nil, forge.Removed, []string{"theirs"}}, // somebody was quicker
	} {
		change, err := w.EnsureLabels(t.Context(), churn, 8, tt.has, managed, tt.want)
		if err != nil || change != tt.change {
			t.Errorf("%s %v, want %s", change, err, tt.change)
		}
		if d := cmp.Diff(tt.left, s.Issue(churn.String(), 8).Labels); d != "" {
			t.Error(d)
		}
	}
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	s := github.NewEnterprise(t)
	s.AddToken("writer", github.JobToken())
	p := github.PullRequest{Number: 9, Title: "T", Author: "bob", HeadRepo: "bob/churn", HeadRef: "raise", HeadSHA: head, BaseRef: "main", BaseSHA: strings.Repeat("b", 40)}
	for i := range 130 {
		p.Files = append(p.Files, github.File{Path: fmt.Sprintf("f%03d.py", i), Status: "modified"})
	}
	s.AddPullRequest(churn.String(), p)
	r := reader(t, s, "writer")
	one, err := r.PullRequest(t.Context(), churn, 9)
	if err != nil {
		t.Fatal(err)
	}
	want := forge.PullRequest{
		Number: 9, Author: "bob", Title: "T", URL: "https://github.com/acme/churn/pull/9", Open: true, HeadRepository: "bob/churn", HeadRef: "raise", HeadSHA: head, BaseRef: "main", BaseSHA: strings.Repeat("b", 40),
	}
	if d := cmp.Diff(want, one); d != "" || !one.Fork(churn) {
		t.Error(d)
	}
	list, err := r.PullRequestsFrom(t.Context(), churn, "bob", "raise")
	if d := cmp.Diff([]forge.PullRequest{want}, list); d != "" || err != nil {
		t.Error(d, err)
	}
	files, err := r.Files(t.Context(), churn, 9)
	if len(files) != 130 || err != nil || r.Requests() != 4 {
		t.Errorf("%d files, %d requests, %v", len(files), r.Requests(), err)
	}
}

func TestArtifact(t *testing.T) {
	t.Parallel()
	var archive bytes.Buffer
	if err := zip.NewWriter(&archive).Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		artifact github.Artifact
		want     string
		input    bool
	}{
		{"good", github.Artifact{RunID: 5, Name: "result"}, "", false},
		{"another run's", github.Artifact{RunID: 6, Name: "result"}, "has none of that name", false},
		{"expired", github.Artifact{RunID: 5, Name: "result", Expired: true}, "expired", false},
		{"70 MB by its own word", github.Artifact{RunID: 5, Name: "result", Size: 70 << 20}, "more than the 1000", true},
		{"larger than it says", github.Artifact{RunID: 5, Name: "result", Size: 10, Zip: make([]byte, 5000)}, "more than the 1000", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := world(t)
			if tt.artifact.Zip == nil {
				tt.artifact.Zip = archive.Bytes()
			}
			s.AddArtifact(churn.String(), tt.artifact)
			got, err := reader(t, s, "fork").Artifact(t.Context(), churn, 5, "result", 1000)
			if tt.want == "" {
				if err != nil || !bytes.Equal(got, archive.Bytes()) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || fault.IsInput(err) != tt.input || got != nil {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "127.0.0.1:") && strings.Contains(fmt.Sprint(err), "/acme/churn/") {
				t.Errorf("the store's address is told: %v", err)
			}
		})
	}
}
