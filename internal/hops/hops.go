// Package hops computes the way from one version of ZenML's server to another: which versions are
// started on the way and why, on which Python, and what goes with each step.
package hops

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Clients says how clients and the server of a hop may be upgraded.
type Clients string

// Together: at the same time. AnyOrder: each pair of the two versions was seen to work. Unmeasured:
// nobody tried, so the guide's rule holds, the same version on both sides.
const (
	Together   Clients = "together"
	AnyOrder   Clients = "any_order"
	Unmeasured Clients = "unmeasured"
)

// Hop is one server upgrade on the way.
type Hop struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Reason  string  `json:"reason"`
	Python  *string `json:"python"` // runs both ends; null when none does or it is not known
	Clients Clients `json:"clients"`
	// ClientsBecause says what Clients rests on, each with its source.
	ClientsBecause []string `json:"clients_because"`
	Advice         []string `json:"advice"` // what goes with the hop, each with its source
}

// Question is what a path is computed from.
type Question struct {
	From, To string
	Crossed  []string // from < v <= to, oldest first; nil when not known
	Newer    []string // releases after to; empty when not known
	Used     []string // Python versions in use, such as "3.11"
	// Requires returns what a version asks of Python (">=3.9,<3.13").
	Requires func(v string) (string, error)
}

// Path is the answer.
type Path struct {
	Hops       []Hop
	Fault      *Fault   // of the target
	Conditions []string // what must hold before a hop, with the source
	Unproved   bool     // a hop of this kind was never measured
	Unknown    error    // why Python support is not known; nil when it is
}

// Plan computes the path with the fewest stops. A stop is made only where a fact asks for one: a
// server runs all migrations in between by itself.
func Plan(q Question) *Path {
	p := &Path{Fault: FaultOf(q.To), Unproved: version.Compare(q.From, OldestMeasured) < 0}
	stops := []stop{{version: q.From}}
	if version.Compare(q.From, firstAlembic) < 0 && version.Compare(q.To, lastWithout) > 0 {
		stops = append(stops, stop{lastWithout, "a database older than ZenML " + firstAlembic + " was never touched by alembic: servers after " + lastWithout + " refuse it"})
	}
	stops = q.detour(p, append(stops, stop{q.To, ""}))
	for i, s := range stops[1:] {
		p.Hops = append(p.Hops, q.hop(p, stops[i].version, s))
	}
	return p
}

// EachLine returns the stops of the way through every line of releases (0.96.x) between two
// versions: the last release of each that has no known fault, and the target. crossed is what lies
// between, oldest first.
func EachLine(crossed []string, from, to string) []string {
	var out []string
	for _, v := range crossed {
		if version.Compare(from, v) >= 0 || version.Compare(v, to) >= 0 || line(v) == line(from) || line(v) == line(to) {
			continue
		}
		if version.Prerelease(v) || version.Yanked(v) || FaultOf(v) != nil {
			continue
		}
		if n := len(out); n > 0 && line(out[n-1]) == line(v) {
			out[n-1] = v
			continue
		}
		out = append(out, v)
	}
	return append(out, to)
}

// stop is a version that is started, and why; the target has no reason of its own.
type stop struct{ version, reason string }

// minors are the versions of Python that are asked for.
var minors = func() (out []string) {
	for m := 6; m <= 20; m++ {
		out = append(out, fmt.Sprintf("3.%d", m))
	}
	return out
}()

// shared returns the versions of Python on which both versions of ZenML run, oldest first.
func (q *Question) shared(a, b string) ([]string, error) {
	ra, err := q.Requires(a)
	if err != nil {
		return nil, err
	}
	rb, err := q.Requires(b)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, m := range minors {
		if version.Allows(ra, m) && version.Allows(rb, m) {
			out = append(out, m)
		}
	}
	return out, nil
}

// detour puts stops between versions that share no Python: without one, ZenML and Python would
// change at once, and nothing could be compared on the way. Each is the newest release that still
// shares a Python with the one before; which those are moves up with the releases.
func (q *Question) detour(p *Path, stops []stop) []stop {
	out := stops[:1:1]
	for _, next := range stops[1:] {
		for range q.Crossed {
			here := out[len(out)-1].version
			both, err := q.shared(here, next.version)
			if err != nil {
				p.Unknown = err
				break
			}
			if len(both) > 0 {
				break
			}
			between := version.Crossed(q.Crossed, here, next.version)
			between = slices.DeleteFunc(between, func(v string) bool { return version.Yanked(v) || FaultOf(v) != nil })
			n := sort.Search(len(between), func(i int) bool {
				both, err := q.shared(here, between[i])
				return err != nil || len(both) == 0
			})
			if n == 0 {
				p.Unknown = fmt.Errorf("finding a way from %s to %s: no release between them shares a Python with %s", here, next.version, here)
				break
			}
			out = append(out, stop{between[n-1], fmt.Sprintf("ZenML %s and %s share no Python: %s is the last that runs on one with %s", here, next.version, between[n-1], here)})
		}
		out = append(out, next)
	}
	return out
}

func (q *Question) hop(p *Path, from string, to stop) Hop {
	h := Hop{From: from, To: to.version}
	parts := []string{to.reason}
	if to.reason == "" {
		parts[0] = "the new server runs every migration in between by itself, in order"
	}
	switch {
	case version.Compare(from, OldestMeasured) < 0:
		parts = append(parts, "a hop from below "+OldestMeasured+" was never measured")
	case version.Compare(to.version, NewestMeasured) <= 0:
		parts = append(parts, fmt.Sprintf("hops were measured from %s up to %s", OldestMeasured, NewestMeasured))
	default:
		parts = append(parts, "hops were measured up to "+NewestMeasured+" only")
	}
	both, err := q.shared(from, to.version)
	if err != nil {
		p.Unknown = err
		parts = append(parts, "which Python both ends run on is not known")
	} else {
		var says string
		h.Python, says = choose(both, q.Used, from)
		parts = append(parts, says)
	}
	h.Reason = strings.Join(parts, "; ")
	h.Clients, h.ClientsBecause = clients(from, to.version)
	h.Advice = slices.Clone(h.ClientsBecause)
	if h.Clients == Together {
		h.Advice = slices.Insert(h.Advice, 0, "upgrade clients and server together")
	}
	for _, r := range crossed(others, from, to.version) {
		h.Advice = append(h.Advice, r.String())
	}
	for _, r := range crossed(conditions, from, to.version) {
		h.Advice = append(h.Advice, r.String())
		p.Conditions = append(p.Conditions, r.String())
	}
	for _, g := range guidesOf(from, to.version) {
		h.Advice = append(h.Advice, fmt.Sprintf("ZenML's migration guide %s to %s: %s", g.From, g.To, g.URL))
	}
	if last := newestPatch(to.version, q.Newer); to.reason == "" && last != "" {
		h.Advice = append(h.Advice, fmt.Sprintf("%s is the newest patch release of this line", last))
	}
	return h
}

func (r rule) String() string { return r.text + " (" + r.source + ")" }

func crossed(rules []rule, from, to string) []rule {
	var out []rule
	for _, r := range rules {
		if version.Compare(from, r.version) < 0 && version.Compare(r.version, to) <= 0 {
			out = append(out, r)
		}
	}
	return out
}

// choose picks the Python of a hop: the newest in use that runs both ends, else the nearest above.
func choose(both, used []string, from string) (*string, string) {
	inUse := strings.Join(used, ", ")
	for _, v := range slices.Backward(both) {
		if slices.Contains(used, v) {
			return &v, "Python " + v + ", which is in use, runs both"
		}
	}
	if len(both) == 0 {
		return nil, "no Python runs both: ZenML and Python change at once"
	}
	pick := both[len(both)-1]
	for _, v := range both {
		if len(used) > 0 && version.Compare(v, used[len(used)-1]) > 0 {
			pick = v
			break
		}
	}
	if len(used) == 0 {
		return &pick, "Python " + both[0] + " to " + pick + " run both"
	}
	return &pick, fmt.Sprintf("no Python in use (%s) runs both: move to Python %s, which runs both, while on %s", inUse, pick, from)
}

func clients(from, to string) (Clients, []string) {
	if rules := crossed(together, from, to); len(rules) > 0 {
		var out []string
		for _, r := range rules {
			out = append(out, r.String())
		}
		return Together, out
	}
	if version.Compare(to, measuredServer) == 0 {
		switch {
		case version.Compare(from, fullSkew) >= 0:
			return AnyOrder, []string{"clients and server may follow one after the other (measured: 0.95.0 and 0.97.0 with 0.98.0, both ways); the guide asks for the same version in the end"}
		case version.Compare(from, partSkew) >= 0:
			return Together, []string{"an older client runs and loads, and fails to list all flavors (measured: 0.93.0 and 0.94.0 with 0.98.0)"}
		}
	}
	return Unmeasured, []string{"whether a client of one version works with a server of the other was not measured: keep both the same"}
}

// newestPatch is the newest release of the same line (0.96.x) after v, "" for none.
func newestPatch(v string, newer []string) string {
	best := ""
	for _, n := range newer {
		if line(n) == line(v) && !version.Prerelease(n) && !version.Yanked(n) && version.Compare(n, v) > 0 && (best == "" || version.Compare(n, best) > 0) {
			best = n
		}
	}
	return best
}

func line(v string) string {
	parts := strings.SplitN(v, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}
