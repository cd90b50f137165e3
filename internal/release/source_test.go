package release

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/forge"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/github"
)

func TestFromPath(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	dir := files.Dir(t, map[string]string{
		"a.json": `[{"tag_name":"v0.9.0","body":"short","published_at":"2026-01-02T03:04:05Z","html_url":"https://example.com/0.9.0"},
			{"tag_name":"0.10.0","body":null,"published_at":null,"html_url":"javascript:alert(1)"},{"tag_name":"0.11.0","body":"x","draft":true}]`,
		"b.json":      `[{"tag_name":"0.9.0","body":"a longer text","published_at":"2026-01-02T03:04:05Z","html_url":"https://example.com/0.9.0"}]`,
		"labels.json": `[{"version":"0.9.0","category":"breaking"}]`,
		"readme.txt":  "not read",
	})
	want := []Body{{Version: "0.10.0"}, {Version: "0.9.0", PublishedAt: &at, URL: "https://example.com/0.9.0", Text: "a longer text"}}
	got, err := FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if one, err := FromPath(filepath.Join(dir, "a.json")); err != nil || len(one) != 2 {
		t.Errorf("one file: %d bodies, %v", len(one), err)
	}
}

func TestFromPathRefuses(t *testing.T) {
	t.Parallel()
	dir := files.Dir(t, map[string]string{
		"cut.json": `[{"tag_name":"0.9.0","body":"sho`, "object.json": `{"tag_name":"0.9.0"}`, "other.json": `[{"version":"1"}]`, "types.json": `[{"tag_name":7}]`,
		"untagged.json": `[{"tag_name":"0.9.0"},{"body":"x"}]`,
	})
	for _, name := range []string{"cut.json", "object.json", "other.json", "types.json", "untagged.json", "absent.json", "."} {
		path := filepath.Join(dir, name)
		got, err := FromPath(path)
		if !fault.IsInput(err) || got != nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %d bodies, %v", name, len(got), err)
		}
	}
	// All unreadable files of a folder are told at once.
	if _, err := FromPath(dir); len(fault.List(err)) != 3 {
		t.Errorf("a folder with 3 faulty files: %v", err)
	}
	for _, empty := range []string{t.TempDir(), files.Dir(t, map[string]string{"labels.json": `[{"version":"1"}]`})} {
		if _, err := FromPath(empty); !fault.IsInput(err) {
			t.Errorf("a folder without releases: %v", err)
		}
	}
}

func TestFromGitHub(t *testing.T) {
	t.Parallel()
	s := github.New(t)
	for i := range 35 {
		s.AddReleases("zenml-io/zenml", github.Release{Tag: fmt.Sprintf("0.%d.0", 35-i), Body: "## Breaking Changes\n- a", Published: time.Unix(1e9, 0)})
	}
	r, err := forge.NewReader(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromGitHub(context.Background(), r)
	if err != nil || len(got) != 35 || got[0].Version != "0.35.0" || got[34].Version != "0.1.0" {
		t.Fatalf("%d bodies, %v", len(got), err)
	}
	s.Fail(github.Failure{Status: 404, Body: `{}`})
	var f *fault.Error
	if _, err := FromGitHub(context.Background(), r); !errors.As(err, &f) || f.Kind != fault.NoVerdict {
		t.Errorf("GitHub failed, yet the error is %v", err)
	}
}

func TestAssess(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC)
	days := func(n int) *time.Time { at := now.AddDate(0, 0, -n); return &at }
	generated := "## What's Changed\n* Tidy by @a in https://github.com/o/r/pull/1\n\n## New Contributors\n* @b made their first contribution\n\n**Full Changelog**: https://github.com/o/r/compare/1...2\n"
	bodies := []Body{
		{Version: "0.92.2", PublishedAt: days(1), Text: generated},                                 // before the managed block
		{Version: "0.93.0", PublishedAt: days(13), Text: generated},                                // young
		{Version: "0.93.1", PublishedAt: days(15), Text: generated},                                // old enough
		{Version: "0.93.2", PublishedAt: days(1), Text: "### Breaking Changes\n* A\n" + generated}, // written
		{Version: "0.94.0", PublishedAt: days(90), Text: "<!-- START -->\n\n"},                     // says nothing
		{Version: "0.94.1", Text: generated, URL: "https://example.com"},                           // age unknown
		{Version: "0.95.1", PublishedAt: days(90), Text: "### Breaking Changes\n* A", Cut: true},   // read in part
		{Version: "0.96.0", PublishedAt: days(1), Text: "### Breaking Changes\n* B"},               // not crossed
	}
	crossed := []string{"0.92.2", "0.93.0", "0.93.1", "0.93.2", "0.94.0", "0.94.1", "0.95.0", "0.95.1"}
	releases, findings := Assess(bodies, crossed, now)
	var got []string
	for _, r := range releases {
		got = append(got, fmt.Sprint(r.Version, " ", r.Notes, " ", r.URL != nil, " ", r.PublishedAt != nil))
	}
	want := []string{"0.92.2 complete false true", "0.93.0 pending false true", "0.93.1 complete false true", "0.93.2 complete false true", "0.94.0 missing false true", "0.94.1 pending true false", "0.95.0 missing false false", "0.95.1 missing false true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"breaking 2-2", "breaking 2-2"}, said(findings)); diff != "" || findings[0].Version != "0.93.2" {
		t.Error(diff, findings)
	}
	if releases, findings := Assess(nil, nil, now); releases == nil || findings == nil {
		t.Error("empty lists must not be null")
	}
}

func TestCompareMetadata(t *testing.T) {
	t.Parallel()
	old := &pyenv.Metadata{Version: "0.85.0", RequiresPython: ">=3.9,<3.13", RequiresDist: []string{
		"click (>=8.0.1,<=8.2.1)", "Foo_Bar (>=1.0,<2.0)", "pandas (>=1)", `sqlmodel (==0.0.18)`, `fastapi (>=0.1) ; extra == "server"`, "rich[jupyter] (>=12.0.0)", "psutil (>=5.0.0)", `tomli (>=1) ; python_version < "3.11"`,
	}}
	now := &pyenv.Metadata{Version: "0.98.0", RequiresPython: ">=3.10, <3.15", RequiresDist: []string{
		"click>=8.3.3,<=8.5.0", "foo-bar<2.0,>=1.0", "sqlmodel==0.0.38; extra == 'local'", "sqlmodel==0.0.38; extra == 'server'", "fastapi>=0.9; extra == 'server'", "rich>=12.0.0", "psutil", "tomli>=1; python_version < '3.11'", "asgiref~=3.10",
	}}
	findings := CompareMetadata(old, now)
	notes := []Finding{{Source: "notes", Category: Dependency, Text: "Relaxed `Click`."}, {Source: "notes", Category: Feature, Text: "psutil"}}
	MarkDeclared(findings, notes)
	var got []string
	for _, f := range findings {
		got = append(got, fmt.Sprint(f.Category, " ", f.Declared, ": ", f.Title))
		if f.Lines != nil || f.Source != "metadata" || f.Version != "0.98.0" {
			t.Errorf("%+v", f)
		}
	}
	want := []string{
		"python_support false: Requires-Python changes from >=3.9,<3.13 to >=3.10,<3.15",
		"dependency false: asgiref (~=3.10) is required now",
		"dependency true: click changes from >=8.0.1,<=8.2.1 to >=8.3.3,<=8.5.0",
		"dependency false: pandas (>=1) is no longer required",
		"dependency false: psutil changes from >=5.0.0 to any version",
		"dependency false: rich changes from [jupyter]>=12.0.0 to >=12.0.0",
		"dependency false: sqlmodel (==0.0.18) is no longer a core requirement: only extras need it (local, server)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if same := CompareMetadata(old, old); len(same) != 0 || same == nil {
		t.Errorf("nothing changed, yet %v", same)
	}
}

func TestCompareExtras(t *testing.T) {
	t.Parallel()
	old := &pyenv.Metadata{Version: "0.85.0", Extras: []string{"server", "mlstacks", "same"}, RequiresDist: []string{
		`fastapi (>=0.75,<=0.115.8) ; extra == "server"`, `uvicorn (>=0.17) ; extra == "server" or extra == "dev"`, `mlstacks (==0.10.0) ; extra == "mlstacks"`, `x ; extra == "same"`,
	}}
	now := &pyenv.Metadata{Version: "0.98.0", Extras: []string{"server", "local", "same"}, RequiresDist: []string{
		"fastapi<0.139,>=0.138; extra == 'server'", "sqlmodel==0.0.38; extra == 'local'", "sqlmodel==0.0.38; extra == 'server'", "x; extra == 'same'",
	}}
	var got []string
	for _, x := range CompareExtras(old, now) {
		got = append(got, x.Extra+": "+x.Title)
		if x.Version != "0.98.0" || x.Source != "metadata" || x.Affects != Unknown || x.CVEs == nil {
			t.Errorf("%+v", x)
		}
	}
	want := []string{
		"dev: Extra dev is removed: it required uvicorn",
		"local: Extra local is new: it requires sqlmodel",
		"mlstacks: Extra mlstacks is removed: it required mlstacks",
		"server: Extra server changes: fastapi changes from >=0.75,<=0.115.8 to >=0.138,<0.139; sqlmodel (==0.0.38) is required now; uvicorn (>=0.17) is no longer required",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMarkSecurity(t *testing.T) {
	t.Parallel()
	findings := Parse("0.82.0", "## What's Changed\n* Fix CVE-2026-12345 and cve-2026-12345, GHSA-abcd-1234-efgh by @a in https://github.com/o/r/pull/1\n\n## Security\n\n- More rate limits for the login\n", "")
	MarkSecurity(findings, "0.75.0")
	var got []string
	for _, f := range findings {
		got = append(got, fmt.Sprint(f.Category, " ", f.CVEs, " ", f.Exposed != nil))
	}
	if diff := cmp.Diff([]string{"security [CVE-2026-12345 GHSA-ABCD-1234-EFGH] true", "security [] false"}, got); diff != "" {
		t.Error(diff)
	}
	if text := *findings[0].Exposed; !strings.Contains(text, "fixed in 0.82.0") || !strings.Contains(text, "0.75.0") {
		t.Error(text)
	}
}

// The beginning of overlong notes is cut at a whole character.
func TestBegin(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{longestBody: false, longestBody + 1: true} {
		got, cut := begin(strings.Repeat("é", n))
		if cut != want || len([]rune(got)) != longestBody {
			t.Errorf("%d characters: cut %v, %d kept", n, cut, len([]rune(got)))
		}
	}
}
