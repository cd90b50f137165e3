package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRedactJSONKeepsKeys(t *testing.T) {
	t.Parallel()
	r := newRedactor([]string{"token", `a"b<c\d`, "multi\nline-two"})
	got := string(r.json([]byte(`{"token": "my token", "list": ["a\"b<c\\d", "a\"b\u003cc\\d"], "x": "see line-two", "token" : 3}`)))
	if d := cmp.Diff(`{"token": "my ***", "list": ["***", "***"], "x": "see ***", "token" : 3}`, got); d != "" {
		t.Error(d)
	}
}

func TestSecretParts(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]string{
		"ZENKEY_abc":                   {"ZENKEY_abc"},
		"https://hook.example/T0/key":  {"https://hook.example/T0/key"},
		"sqlite:////srv/a@b:c/z.db":    nil,
		"mysql://db/zenml":             nil,
		"mysql://zenml@db/zenml":       nil,
		"mysql://z:p%40ss@[::1]/zenml": {"mysql://z:p%40ss@[::1]/zenml", "p%40ss", "p@ss"},
		"mysql://z:p%4@w@db/zenml":     {"mysql://z:p%4@w@db/zenml", "p%4@w"},
	} {
		if d := cmp.Diff(want, secretParts(value)); d != "" {
			t.Errorf("%s: %s", value, d)
		}
	}
}
