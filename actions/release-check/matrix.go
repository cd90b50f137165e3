package releasecheck

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/compat"
	"github.com/zenml-upgrade/zenml-upgrade/internal/config"
	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// Matrix is ready for fromJSON in a workflow: one job of compat-test for each cell.
type Matrix struct {
	Include []compat.Cell `json:"include"`
}

// mostCells is how many jobs a matrix may make of one run (docs.github.com, matrix strategy).
const mostCells = 256

// suites are compat-test's groups as they are fanned out. Integration and tracking go with basic: in a
// project without one they check little, and a run in which nothing passed is unknown. What asks the
// server alone takes seconds and goes together.
var suites = []string{"basic,integration,tracking", "complex", "artifact", "stack,connector,snapshot,client", "dashboard"}

// job is a project on a Python version.
type job struct{ project, python string }

// matrix makes one cell for each project, Python version that the new ZenML takes and group of the
// suite, and one for the repository's own pipelines on each Python. Where these are more than a matrix
// may hold, groups are run together first; what has to be left out then is named.
func matrix(s *settings, unsupported []string) (Matrix, []string) {
	notes := []string{}
	jobs := jobsOf(s, unsupported)
	var own []compat.Cell
	if len(s.cfg.Pipelines) > 0 {
		for _, p := range pythonsOf(s, config.Project{}, unsupported) {
			own = append(own, compat.Cell{Project: ".", Python: p, From: s.from, To: s.to, Suite: "none", Pipelines: "all"})
		}
	}
	room := mostCells - len(own)
	fan := suites
	if len(jobs)*len(fan) > room {
		notes = append(notes, fmt.Sprintf("the suite's %d groups run in one job: a matrix may hold %d jobs", len(compat.Groups), mostCells))
		fan = []string{strings.Join(compat.Groups, ",")}
	}
	if len(jobs) > room {
		all := len(jobs)
		jobs = ends(jobs)
		notes = append(notes, fmt.Sprintf("left out: %d of %d jobs on Python versions between the oldest and the newest of a project", all-len(jobs), all))
	}
	if len(jobs) > room {
		var names []string
		for _, j := range jobs[room:] {
			names = append(names, j.project+" on Python "+j.python)
		}
		notes = append(notes, fmt.Sprintf("left out: %d jobs that do not fit: %s", len(names), strings.Join(names, ", ")))
		jobs = jobs[:room]
	}
	m := Matrix{Include: []compat.Cell{}}
	for _, j := range jobs {
		for _, g := range fan {
			m.Include = append(m.Include, compat.Cell{Project: j.project, Python: j.python, From: s.from, To: s.to, Suite: g, Pipelines: "none"})
		}
	}
	m.Include = append(m.Include, own...)
	for i := range m.Include {
		m.Include[i].Index = i
	}
	return m, notes
}

// leftOut says which notes tell of something that no job tests.
func leftOut(notes []string) []string {
	return slices.DeleteFunc(slices.Clone(notes), func(n string) bool { return !strings.HasPrefix(n, "left out: ") })
}

func jobsOf(s *settings, unsupported []string) []job {
	var out []job
	for _, p := range projects(s) {
		for _, v := range pythonsOf(s, p, unsupported) {
			out = append(out, job{path.Clean(p.Path), v})
		}
	}
	return out
}

// projects are those of the configuration, else the folders whose requirements ask for ZenML.
func projects(s *settings) []config.Project {
	if len(s.cfg.Projects) > 0 {
		return s.cfg.Projects
	}
	var out []config.Project
	for i := range s.sets {
		file, _, _ := strings.Cut(s.sets[i].Name, "[")
		dir := path.Dir(strings.TrimSpace(file))
		if path.Base(dir) == "requirements" {
			dir = path.Dir(dir)
		}
		if !slices.ContainsFunc(out, func(p config.Project) bool { return p.Path == dir }) {
			out = append(out, config.Project{Path: dir})
		}
	}
	return out
}

// pythonsOf are the Python versions of a project: all in use when it names none of its own, or when an
// input overrules it.
func pythonsOf(s *settings, p config.Project, unsupported []string) []string {
	var out []string
	for _, u := range s.pythons {
		if !slices.Contains(unsupported, u.Version) && (len(p.PythonVersions) == 0 || slices.Contains(p.PythonVersions, u.Version) || byInput(u)) {
			out = append(out, u.Version)
		}
	}
	return out
}

func byInput(u repo.Python) bool { return u.Source == sourceInput }

// ends keeps the oldest and the newest Python of each project; jobs are in order.
func ends(jobs []job) []job {
	var out []job
	for i, j := range jobs {
		if i == 0 || jobs[i-1].project != j.project || i == len(jobs)-1 || jobs[i+1].project != j.project {
			out = append(out, j)
		}
	}
	return out
}

// Outputs are the action's own outputs beside those of every action.
func (r *Result) Outputs() map[string]string {
	data, err := json.Marshal(r.Matrix)
	if err != nil {
		panic(err) // strings only
	}
	out := map[string]string{"matrix": string(data), "from": "", "to": ""}
	if r.From != nil && r.To != nil {
		out["from"], out["to"] = *r.From, *r.To
	}
	return out
}

// matrixReasons tells that the matrix alone will not test everything.
func (r *Result) matrixReasons() []verdict.Reason {
	left := leftOut(r.MatrixNotes)
	if len(left) == 0 {
		return nil
	}
	return []verdict.Reason{verdict.Because(verdict.Review, "matrix_incomplete", "The matrix cannot hold all jobs of compat-test: some projects or Python versions would not be tested.", left)}
}
