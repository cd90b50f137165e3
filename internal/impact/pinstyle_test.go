package impact

import (
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

func TestRestyle(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ own, v, text, bounds string }{
		{"==8.1.7", "8.3.3", "==8.3.3", "==8.3.3"},
		{"== 8.1.7", "8.3.3", "== 8.3.3", "==8.3.3"},
		{"===8.1.7", "8.3.3", "===8.3.3", "===8.3.3"},
		{"==8.1.*", "8.3.3", "==8.3.*", "==8.3.*"},
		{"~=8.1.7", "8.3.3", "~=8.3.3", "~=8.3.3"},
		{"~=8.1", "9.3.3", "~=9.3", "~=9.3"},
		{"~=8.1", "8.3.3", "~=8.1", "~=8.1"},
		{">=8,<8.2", "8.3.3", ">=8,<8.4", ">=8,<8.4"},
		{">= 8, < 8.2", "8.3.3", ">= 8, < 8.4", ">=8,<8.4"},
		{"(>=8,<8.2)", "8.3.3", ">=8,<8.4", ">=8,<8.4"},
		{"<=8.2.1", "8.3.3", "<=8.3.3", "<=8.3.3"},
		{"<8", "8.3.3", "<9", "<9"},
		{">2.12,!=2.9", "2.10.1", ">=2.10.1,!=2.9", ">=2.10.1,!=2.9"},
		{"!=8.3.3", "8.3.3", "", ""},
		{"==1.0", "2.0rc1", "==2.0rc1", "==2.0rc1"},
		{"^8.1", "9.3.3", "^9.3", ">=9.3,<10"},
		{"^0.85.0", "0.98.0", "^0.98.0", ">=0.98.0,<0.99"},
		{"^0.0.3", "0.0.9", "^0.0.9", ">=0.0.9,<0.0.10"},
		{"~8.1.7", "8.3.3", "~8.3.3", ">=8.3.3,<8.4"},
		{"~8", "9.3.3", "~9", ">=9,<10"},
		{"8.1.7", "8.3.3", "8.3.3", "==8.3.3"},
	} {
		if text, bounds := restyle(tc.own, tc.v); text != tc.text || bounds != tc.bounds {
			t.Errorf("%s to admit %s: %q %q, want %q %q", tc.own, tc.v, text, bounds, tc.text, tc.bounds)
		}
	}
}

func TestPaste(t *testing.T) {
	t.Parallel()
	click := repo.Line{File: "f", Line: 1, Text: "click==8.1.7", Name: "click"}
	rich := repo.Line{File: "f", Line: 1, Text: "rich==12.0", Name: "rich"}
	for _, tc := range []struct{ raw, want string }{
		{`  click==8.1.7  # why`, `click==8.3.3  # why`},
		{`x = ["click==8.1.7", "rich==12.0"]`, `x = ["click==8.3.3", "rich==13.1"]`},
		{`click = {version = "8.1.7", extras = ["a"]}`, `click = {version = "8.3.3", extras = ["a"]}`},
		{`click==8.1.7 \`, `click==8.3.3`},
		{``, `click==8.3.3`},
	} {
		change := []moved{move(click, tc.raw, "8.3.3")}
		if tc.raw != "" && tc.raw[0] == 'x' {
			change = append(change, move(rich, tc.raw, "13.1"))
		}
		if got := paste(tc.raw, change, change[0]); got != tc.want {
			t.Errorf("%q gives %q, want %q", tc.raw, got, tc.want)
		}
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ proof, old, want string }{
		{"Because zenml>=0.98.0 depends on click>=8.3.3,<=8.5.0 and\n  you require", "8.1.7", "8.3.3"},
		{"Because zenml==0.98.0 depends on click>=8.3.3,<=8.5.0 and", "8.9", "8.5.0"},
		{"Because zenml==0.98.0 depends on click==8.3.3 and", "8.9", "8.3.3"},
		{"Because zenml==0.98.0 depends on click>8.3,<9 and", "8.1.7", ""},
		{"Because zenml==0.98.0 depends on click==8.3.* and", "8.1.7", ""},
		{"Because zenml==0.98.0 depends on click>=8.3.3,<=8.5.0 and", "", ""},
		{"Because zenml==0.98.0 depends on rich>=8.3.3 and", "8.1.7", ""},
	} {
		if got := bound(needed(tc.proof, "click"), tc.old); got != tc.want {
			t.Errorf("%q from %s: %q, want %q", tc.proof, tc.old, got, tc.want)
		}
	}
}
