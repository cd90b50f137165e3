package releasecheck

import (
	"errors"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/checklist"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/tracking"
)

// decodeTracking reads which tracking issue is wanted. Another run's result is never tracked: it is that
// run's word.
func (s *settings) decodeTracking(in *Inputs) error {
	name := strings.TrimSpace(in.Environment)
	if !in.Asked() {
		return nil
	}
	picked, _, err := s.cfg.Pick(name)
	wish, errWish := in.Wish(picked, s.cfg)
	s.track = wish
	return errors.Join(err, errWish)
}

// untracked refuses a tracking issue of what another run made.
func (in *Inputs) untracked() error {
	if in.Asked() {
		return fault.BadInput("publish and tracking-issue are both given: the result of another run is that run's word and ticks no box", "give tracking-issue where the result is made")
	}
	return nil
}

// Tracked is what the tracking issue is to tell.
func (r *Result) Tracked() *action.Track { return r.track }

func (r *Result) tracks(s *settings) {
	if s.track == nil {
		return
	}
	run := tracking.Run{From: s.from, To: s.to, By: checklist.ReleaseCheck, Whole: true, Decision: r.Decision, Says: r.headline()}
	for _, reason := range r.Reasons {
		run.Codes = append(run.Codes, reason.Code)
	}
	run.Phases, run.Proofs = tracking.Steps(r.Checklist)
	r.track = &action.Track{Wish: *s.track, Run: run}
}
