package command

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       *Command
		code       string
	}{
		{"a verb", "/zenml-upgrade status", &Command{Verb: Status}, ""},
		{"blank lines first, a browser's line ends, prose after it", "\r\n \r\n/zenml-upgrade  unhold \r\nthanks @all <b>${{ secrets.X }}</b>", &Command{Verb: Unhold}, ""},
		{"tabs", "/zenml-upgrade\trehearse", &Command{Verb: Rehearse}, ""},
		{"version and environment", "/zenml-upgrade upgrade production 0.98.0", &Command{Verb: Upgrade, Version: "0.98.0", Environment: "production"}, ""},
		{"a reason", "/zenml-upgrade hold  the audit   runs ${{ github.token }}", &Command{Verb: Hold, Reason: "the audit runs ${{ github.token }}"}, ""},
		{"a long reason", "/zenml-upgrade hold " + strings.Repeat("x", 60000), &Command{Verb: Hold, Reason: strings.Repeat("x", 299) + "…"}, ""},
		{"prose", "please run /zenml-upgrade upgrade", nil, ""},
		{"a quotation", "> /zenml-upgrade upgrade", nil, ""},
		{"a code block", "```\n/zenml-upgrade upgrade\n```", nil, ""},
		{"indented code", "    /zenml-upgrade upgrade", nil, ""},
		{"a list", "- /zenml-upgrade upgrade", nil, ""},
		{"a code span", "`/zenml-upgrade upgrade`", nil, ""},
		{"an HTML comment", "<!--\n/zenml-upgrade upgrade\n-->", nil, ""},
		{"a later line", "look:\n/zenml-upgrade upgrade", nil, ""},
		{"another word", "/zenml-upgrades upgrade", nil, ""},
		{"capitals", "/ZenML-Upgrade upgrade", nil, ""},
		{"a look-alike hyphen", "/zenml\u2011upgrade upgrade", nil, ""},
		{"a look-alike letter in the word", "/zenml-upgr\u0430de upgrade", nil, ""},
		{"a zero-width character first", "\u200b/zenml-upgrade upgrade", nil, ""},
		{"nothing", "", nil, ""},
		{"64 KB of nothing", strings.Repeat("\n", 65536), nil, ""},
		{"a look-alike letter in the verb", "/zenml-upgrade upgr\u0430de", nil, "unknown_command"},
		{"a zero-width character in the verb", "/zenml-upgrade up\u200bgrade", nil, "bad_characters"},
		{"a reason that turns around", "/zenml-upgrade hold \u202etluaf", nil, "bad_characters"},
		{"a control character", "/zenml-upgrade upgrade\x1b[2J", nil, "bad_characters"},
		{"a carriage return inside", "/zenml-upgrade upgrade\rstatus", nil, "bad_characters"},
		{"no text at all", "/zenml-upgrade upgrade \xff", nil, "bad_characters"},
		{"two commands", "/zenml-upgrade status\n\n/zenml-upgrade upgrade", nil, "several_commands"},
		{"two commands on a line", "/zenml-upgrade status /zenml-upgrade upgrade", nil, "too_many_words"},
		{"no verb", "/zenml-upgrade ", nil, "unknown_command"},
		{"no reason", "/zenml-upgrade hold", nil, "no_reason"},
		{"two versions", "/zenml-upgrade upgrade 0.98.0 0.97.0", nil, "bad_operand"},
		{"shell", "/zenml-upgrade upgrade $(id)", nil, "bad_operand"},
		{"a flag", "/zenml-upgrade upgrade --mode", nil, "bad_operand"},
		{"many words", "/zenml-upgrade upgrade " + strings.Repeat("x ", 30000), nil, "bad_operand"},
	} {
		got, err := Parse(tt.body)
		var refused *RefusedError
		if errors.As(err, &refused); err != nil && refused == nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		code := ""
		if refused != nil {
			code, got = refused.Code, nil
			if len(refused.Error()) > 400 {
				t.Errorf("%s: %d bytes of words", tt.name, len(refused.Error()))
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" || code != tt.code {
			t.Errorf("%s: code %q, want %q; %s", tt.name, code, tt.code, d)
		}
	}
}
