package action

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
)

// Tracking are the inputs of actions that keep a tracking issue. Each such action's Inputs embeds it.
type Tracking struct {
	TrackingIssue string `help:"Keep the tracking issue of this environment and target up to date: true finds or makes it, a number names one that this program made, false keeps none. Needs github-token and issues: write." default:"false" placeholder:"NUMBER"`
	TrackingKey   string `help:"Key of at least 16 characters that signs the state hidden in the tracking issue; the same for all actions. Only a signed state is then believed." secret:"true" placeholder:"KEY"`
}

// leastKey is the shortest key that is taken.
const leastKey = 16

// Tracker is implemented by results that a tracking issue is to tell of: nil when none is wanted.
type Tracker interface{ Tracked() *Track }

// Track is what to tell and where.
type Track struct {
	Wish tracking.Wish
	Run  tracking.Run
}

// Asked says whether a tracking issue is wanted.
func (t Tracking) Asked() bool {
	text := strings.TrimSpace(t.TrackingIssue)
	return text != "" && !strings.EqualFold(text, "false")
}

// Wish decodes the inputs, nil when no tracking issue is wanted.
func (t Tracking) Wish(environment string, cfg *config.Config) (*tracking.Wish, error) {
	if !t.Asked() {
		return nil, nil //nolint:nilnil // none is wanted, and nothing is wrong
	}
	text := strings.TrimSpace(t.TrackingIssue)
	w := &tracking.Wish{Environment: environment, Key: []byte(t.TrackingKey)}
	if cfg != nil {
		w.Operators, w.Teams = cfg.Operators, cfg.Teams
	}
	if !strings.EqualFold(text, "true") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fault.BadInput(fmt.Sprintf("tracking-issue %q is neither true, false nor the number of an issue", text), "give one of the three")
		}
		w.Number = n
	}
	if len(w.Key) > 0 && len(w.Key) < leastKey {
		return nil, fault.BadInput(fmt.Sprintf("tracking-key is shorter than %d characters", leastKey), "make one with: openssl rand -hex 32")
	}
	return w, nil
}
