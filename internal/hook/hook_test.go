package hook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

func TestRun(t *testing.T) {
	t.Parallel()
	s := &Set{
		Dir: t.TempDir(), Environ: []string{"PATH=/usr/bin:/bin", "CLOUD_KEY=hidden-key", "GITHUB_TOKEN=x", "OTHER=y"},
		Pass: []string{"CLOUD_KEY"}, Secrets: []string{"hunter22"}, Environment: "staging", Limit: time.Minute,
		Commands: map[string]string{
			"seen":  `echo "$ZENML_UPGRADE_HOOK $ZENML_UPGRADE_ENVIRONMENT $MORE [$GITHUB_TOKEN$OTHER]"`,
			"fails": `echo "mysql://root:pass-word@db/x $CLOUD_KEY hunter22" >&2; exit 1`,
			"tells": `echo begun; echo "mysql://root:pass-word@db/x"`,
			"shows": `echo "a row"; echo "ERROR 1064"; exit 2`,
			"hangs": `sleep 60`,
		},
	}
	res, err := s.Run(t.Context(), Call{Name: "seen", Env: []string{"MORE=m"}})
	if err != nil || res.Answer != "seen staging m []" {
		t.Errorf("%q, %v", res.Answer, err)
	}
	_, err = s.Run(t.Context(), Call{Name: "fails"})
	var exit *proc.ExitError
	if !errors.As(err, &exit) || exit.Tail != "mysql://root:***@db/x *** ***" {
		t.Errorf("%v", err)
	}
	// Who asked for it gets the address; what could be told of it does not hold the password.
	res, err = s.Run(t.Context(), Call{Name: "tells"})
	if err != nil || res.Answer != "mysql://root:pass-word@db/x" || strings.Contains(string(res.Stdout), "pass-word") {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err = s.Run(t.Context(), Call{Name: "shows", Brief: true}); err == nil || !strings.HasSuffix(err.Error(), "status 2: ERROR 1064") {
		t.Errorf("%v", err)
	}
	s.Limit = 100 * time.Millisecond
	if _, err = s.Run(t.Context(), Call{Name: "hangs"}); !errors.Is(err, proc.ErrTimeout) || !strings.Contains(err.Error(), "hook hangs") {
		t.Errorf("%v", err)
	}
}
