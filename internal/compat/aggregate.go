package compat

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Aggregate joins the results of all shards, found as result.json in any folder below dir. A shard
// of which there is none is told as lost, with all that it was to run; the decision is then at least
// unknown.
func Aggregate(dir, from, to string) (*Result, error) {
	shards, folders, err := readShards(dir, from, to)
	if err != nil {
		return nil, err
	}
	all := emptyResult(from, to)
	var plan [][]string
	for _, s := range shards {
		if s != nil {
			plan = s.Shard.Plan
		}
	}
	var lost []string
	for i, s := range shards {
		label := fmt.Sprintf("shard %d/%d", i+1, len(shards))
		if s == nil {
			lost = append(lost, label)
			all.loseUnits(label, plan[i])
			continue
		}
		all.addShard(label, folders[i], s)
		var unanswered []string
		for _, unit := range plan[i] {
			if !slices.ContainsFunc(s.Checks, func(c Check) bool { return belongs(c.Name, unit) }) {
				unanswered = append(unanswered, unit)
			}
		}
		all.loseUnits(label, unanswered)
	}
	if !all.anyPassed() {
		all.Reasons = append(all.Reasons, verdict.Because(verdict.Unknown, nothingPassed, "no check passed on the new version in any shard", nil))
	}
	if len(lost) > 0 {
		all.Reasons = append(all.Reasons, verdict.Because(verdict.Unknown, "shard_lost",
			fmt.Sprintf("%s left no result: nothing is known of what was to run there", strings.Join(lost, ", ")), lost))
	}
	slices.SortStableFunc(all.Checks, func(a, b Check) int { return strings.Compare(order(a), order(b)) })
	all.Decide("compatible")
	return all, nil
}

// readShards returns the results by index, nil for one that is lost, and the folders they lie in.
func readShards(dir, from, to string) (shards []*Result, folders []string, err error) {
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fault.BadInput(fmt.Sprintf(format, args...), "give a folder that holds the results of one run's shards, each in a folder of its own"))
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "result.json" {
			return err
		}
		r, err := readResult(path)
		if err != nil {
			faults = append(faults, err)
			return nil
		}
		s := r.Shard
		if s == nil { // a shard that ended before it could say which it was is lost
			return nil
		}
		switch {
		case r.From == nil || r.To == nil || *r.From != from || *r.To != to:
			bad("aggregate: %q is of other versions than %s and %s", path, from, to)
			return nil
		case s.Index < 1 || s.Index > s.Of || s.Of > maxShards || len(s.Plan) != s.Of:
			bad("aggregate: %q names shard %d of %d", path, s.Index, s.Of)
			return nil
		}
		if shards == nil {
			shards, folders = make([]*Result, s.Of), make([]string, s.Of)
		}
		for _, other := range shards {
			if other != nil && !slices.EqualFunc(other.Shard.Plan, s.Plan, slices.Equal) {
				bad("aggregate: %q was divided otherwise than the others", path)
				return nil
			}
		}
		if len(shards) != s.Of || shards[s.Index-1] != nil {
			bad("aggregate: %q is a second result of shard %d/%d, or of another division", path, s.Index, s.Of)
			return nil
		}
		shards[s.Index-1] = r
		folders[s.Index-1], _ = filepath.Rel(dir, filepath.Dir(path))
		return nil
	})
	if err != nil {
		faults = append(faults, fault.BadInput(fmt.Sprintf("aggregate %q cannot be read: %v", dir, err), "give a folder with the shards' results"))
	} else if shards == nil && len(faults) == 0 {
		bad("aggregate %q holds no result of a shard", dir)
	}
	return shards, folders, errors.Join(faults...)
}

// loseUnits tells that units of a shard were not run.
func (r *Result) loseUnits(label string, units []string) {
	for _, unit := range units {
		why := label + " left no result of it"
		c := Check{Name: unit, Kind: KindPipeline, Required: true, Baseline: skip(why), Candidate: skip(why)}
		judge(&c)
		r.Checks = append(r.Checks, c)
	}
	if len(units) > 0 {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Unknown, "checks_lost", label+" left no result of what it was to run", units))
	}
}

// addShard joins one shard's result. What it says is text of a file: its decision counts only in so
// far as it can make the whole worse.
func (r *Result) addShard(label, folder string, s *Result) {
	for _, c := range s.Checks {
		if c.Name == serverStart || strings.HasPrefix(c.Name, serverStart+" ") || c.Name == noIntegration {
			c.Name += " in " + label
		}
		for _, at := range []*Attempt{&c.Baseline, &c.Candidate} {
			for _, file := range []**string{&at.Log, &at.Picture} {
				if *file != nil {
					path := filepath.ToSlash(filepath.Join(folder, **file))
					*file = &path
				}
			}
		}
		r.Checks = append(r.Checks, c)
	}
	for _, reason := range s.Reasons {
		if reason.Code == nothingPassed { // a shard of what is broken; the whole is looked at anew
			continue
		}
		if !reason.Decision.Known() {
			reason.Decision = verdict.Unknown
		}
		reason.Text = label + ": " + reason.Text
		r.Reasons = append(r.Reasons, reason)
	}
	if sum, _ := verdict.Sum(s.Reasons, ""); s.Decision != sum || len(s.Errors) > 0 {
		r.Reasons = append(r.Reasons, verdict.Because(verdict.Unknown, "shard_unclear", label+" ended with errors or with a decision that its reasons do not give", s.Errors))
	}
	r.Artifacts = append(r.Artifacts, s.Artifacts...)
	r.Deprecated = append(r.Deprecated, s.Deprecated...)
	r.Code = append(r.Code, s.Code...)
	r.held += len(s.Artifacts)
	if r.Skew == nil {
		r.Skew = s.Skew
	}
	if r.Servers == nil {
		r.Servers = s.Servers
	}
	if r.Pythons == nil {
		r.Pythons = s.Pythons
	}
	if len(r.Pins.Files) == 0 || !s.Pins.Resolved {
		r.Pins = s.Pins
	}
}
