package compat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

const (
	maxShards    = 256 // jobs that a workflow's matrix can have
	maxResult    = 64 << 20
	usualSeconds = 20 // of a unit that was never measured, in both worlds
)

// Shard is one of several runs that share a test.
type Shard struct {
	Index int        `json:"index"` // from 1
	Of    int        `json:"of"`
	Plan  [][]string `json:"plan"` // what each shard runs: groups of the suite and pipelines
}

// ParseShard reads k/n; "" gives nil.
func ParseShard(text string) (*Shard, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil //nolint:nilnil // no shard is no fault
	}
	var s Shard
	var rest string
	n, _ := fmt.Sscanf(text+" ", "%d/%d%s", &s.Index, &s.Of, &rest)
	if n != 2 || fmt.Sprintf("%d/%d", s.Index, s.Of) != text || s.Index < 1 || s.Index > s.Of || s.Of > maxShards {
		return nil, fmt.Errorf("%q is not k/n with k from 1 to n and n up to %d", text, maxShards)
	}
	return &s, nil
}

// Take leaves in the options what belongs to this shard. The split is the same in every shard that
// is given the same options and times: the longest unit goes to the shard with the least so far.
// seconds are measured earlier, by unit.
func (s *Shard) Take(o *Options, seconds map[string]float64) error {
	units := unitsOf(o)
	if s.Of > len(units) {
		return fault.BadInput(fmt.Sprintf("shard %d/%d: there are %d things to run for %d shards", s.Index, s.Of, len(units), s.Of), "give fewer shards")
	}
	weight := func(unit string) float64 {
		if t := seconds[unit]; t > 0 {
			return t
		}
		return usualSeconds
	}
	slices.SortFunc(units, func(a, b string) int { return cmp.Or(cmp.Compare(weight(b), weight(a)), strings.Compare(a, b)) })
	s.Plan = make([][]string, s.Of)
	loads := make([]float64, s.Of)
	for _, unit := range units {
		least := 0
		for i := range loads {
			if loads[i] < loads[least] || loads[i] == loads[least] && len(s.Plan[i]) < len(s.Plan[least]) {
				least = i
			}
		}
		s.Plan[least], loads[least] = append(s.Plan[least], unit), loads[least]+weight(unit)
	}
	mine := s.Plan[s.Index-1]
	o.Suite = slices.DeleteFunc(slices.Clone(o.Suite), func(g string) bool { return !slices.Contains(mine, g) })
	if !slices.Contains(mine, ownUnit) {
		o.Servers = OwnServers{}
	}
	o.Pipelines = slices.DeleteFunc(slices.Clone(o.Pipelines), func(p config.Pipeline) bool { return !slices.Contains(mine, "pipeline:"+p.Name) })
	return nil
}

func unitsOf(o *Options) []string {
	units := slices.Clone(o.Suite)
	for _, p := range o.Pipelines {
		units = append(units, "pipeline:"+p.Name)
	}
	if o.Servers.Old != nil {
		units = append(units, ownUnit)
	}
	return units
}

// ownUnit is the test of the team's own servers, whose checks begin so.
const ownUnit = "team"

// belongs says whether a check answers for a unit.
func belongs(check, unit string) bool {
	check, _, _ = strings.Cut(check, " on Python ")
	return check == unit || strings.HasPrefix(check, unit+":")
}

// Timings reads how long each unit took from the result.json of an earlier run.
func Timings(path string) (map[string]float64, error) {
	r, err := readResult(path)
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for _, c := range r.Checks {
		name, _, _ := strings.Cut(c.Name, " on Python ")
		unit := name
		if group, _, _ := strings.Cut(name, ":"); group == ownUnit || slices.Contains(Groups, group) {
			unit = group
		}
		for _, s := range []*float64{c.Baseline.Seconds, c.Candidate.Seconds} {
			if s != nil && *s > 0 {
				out[unit] += *s
			}
		}
	}
	return out, nil
}

// readResult reads a result.json of this action. The error is an input fault.
func readResult(path string) (*Result, error) {
	bad := func(why string) (*Result, error) {
		return nil, fault.BadInput(fmt.Sprintf("%q %s", path, why), "give the result.json of a compat-test")
	}
	f, err := os.Open(path)
	if err != nil {
		return bad("cannot be read")
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxResult+1))
	if err != nil || len(b) > maxResult {
		return bad(fmt.Sprintf("is not a file of at most %d MiB", maxResult>>20))
	}
	var r Result
	if json.Unmarshal(b, &r) != nil || r.Schema != "zenml-upgrade/compat-test/v1" {
		return bad("is no result of a compat-test")
	}
	return &r, nil
}
