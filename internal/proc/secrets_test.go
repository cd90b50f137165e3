package proc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecretValues(t *testing.T) {
	t.Parallel()
	got := SecretValues("ZENML_STORE_URL=mysql://user:p%2Fw@host:3306/db", "ZENML_SERVER_JWT_SECRET_KEY=jwt", "PLAIN=open", "EMPTY_TOKEN=", "OTHER_URL=mysql://u:o%40p@h/d",
		"UV_INDEX=https://open.example/ https://u:word@h/simple", "FILE_URL=sqlite:////a:b@c")
	want := []string{"p%2Fw", "p/w", "jwt", "o%40p", "o@p", "word"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
