package upgrade

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

func TestUndeclaredKnowsTheWay(t *testing.T) {
	t.Parallel()
	changed := []string{"own key: POST /service_accounts: 200 before, 403 now", "own key: POST /projects: 200 before, 403 now"}
	for name, c := range map[string]struct {
		from, to string
		want     []string
	}{
		"crosses the release": {"0.85.0", "0.96.0", changed[1:]},
		"ends before it":      {"0.85.0", "0.95.0", changed},
		"begins with it":      {"0.96.0", "0.98.0", changed},
	} {
		if d := cmp.Diff(c.want, undeclared(changed, c.from, c.to)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// A new server that answers strangers is caught, whatever the old one did.
func TestAServerThatLetsStrangersInFails(t *testing.T) {
	t.Parallel()
	open := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1"+open && r.Header.Get("Authorization") == "" {
			_, _ = w.Write([]byte("{}"))
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(s.Close)
	r := &run{Options: Options{From: "0.85.0", To: "0.98.0", Now: time.Now}}
	c := zenml.New(s.URL)
	var err error
	if r.was.boundaries, err = r.boundaries(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := r.checkBoundaries(t.Context(), c); err != nil {
		t.Errorf("as before: %v", err)
	}
	open = "/secrets"
	if _, err := r.checkBoundaries(t.Context(), c); err == nil || !strings.Contains(err.Error(), "no key: GET /secrets: 200") {
		t.Errorf("open to strangers: %v", err)
	}
}

func TestExaminedFilesHowEachCheckEnded(t *testing.T) {
	t.Parallel()
	r := &run{Options: Options{Now: time.Now}}
	broken := errors.New("broken")
	for _, c := range []struct{ given, want error }{{nil, nil}, {notRunError{"nothing there"}, nil}, {broken, broken}} {
		if err := r.examineAll(t.Context(), []examination{{"check", func(context.Context) (string, error) { return "seen", c.given }}}); !errors.Is(err, c.want) {
			t.Errorf("%v gives %v", c.given, err)
		}
	}
	want := []Check{
		{Name: "check", Server: "real", Status: Passed, Detail: "seen"},
		{Name: "check", Server: "real", Status: Skipped, Detail: "nothing there"},
		{Name: "check", Server: "real", Status: Failed, Detail: "broken"},
	}
	if d := cmp.Diff(want, r.report.Checks, cmpopts.IgnoreFields(Check{}, "Seconds")); d != "" {
		t.Error(d)
	}

	// A check that fails stops those beside it, which are then not shown as failed.
	r.report.Checks = nil
	waits := examination{"waits", func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }}
	fails := examination{"fails", func(context.Context) (string, error) { return "", broken }}
	if err := r.examineAll(t.Context(), []examination{waits}, []examination{fails, waits}); !errors.Is(err, broken) {
		t.Errorf("side by side: %v", err)
	}
	want = []Check{
		{Name: "waits", Server: "real", Status: Skipped, Detail: "cut off: another check failed, or the run was stopped"},
		{Name: "fails", Server: "real", Status: Failed, Detail: "broken"},
	}
	if d := cmp.Diff(want, r.report.Checks, cmpopts.IgnoreFields(Check{}, "Seconds")); d != "" {
		t.Error(d)
	}
}

// A dashboard that was not whole before is not the upgrade's fault; one that was is.
func TestDashboardIsComparedWithTheOldOne(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	r := &run{}
	if _, err := r.checkDashboard(t.Context(), zenml.New(s.URL)); !errors.Is(err, zenml.ErrNoDashboard) {
		t.Errorf("gone: %v", err)
	}
	r.was.dashboard = zenml.ErrNoDashboard
	var skip notRunError
	if _, err := r.checkDashboard(t.Context(), zenml.New(s.URL)); !errors.As(err, &skip) {
		t.Errorf("never there: %v", err)
	}
}

func TestKeyID(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"ZENKEY_eyJpZCI6ICJhYi1jZCIsICJrZXkiOiAieCJ9": "ab-cd", "ZENKEY_!": "", "": "", "ZENKEY_W10=": "",
	} {
		if got := keyID(key); got != want {
			t.Errorf("%q gives %q", key, got)
		}
	}
}
