package impact

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
)

// Python is what both versions of ZenML ask of Python, against what the repository uses.
type Python struct {
	RequiresOld *string       `json:"requires_old"` // such as ">=3.9,<3.13"; null when not known
	RequiresNew *string       `json:"requires_new"`
	Used        []string      `json:"used"`      // minor versions, oldest first
	UsedFrom    []repo.Python `json:"used_from"` // where each was found
	Supported   *bool         `json:"supported"` // null when one side is not known
	Unsupported []string      `json:"unsupported"`
	Projects    []Project     `json:"projects"`
}

// Project is the Python versions of one folder with requirements of its own.
type Project struct {
	Folder      string   `json:"folder"`
	Used        []string `json:"used"`
	Unsupported []string `json:"unsupported"`
}

// Ask pairs every set with the Python versions that it is installed on: those said for a folder above
// it, else all that are used. It lists them by folder too.
func Ask(sets []repo.Set, uses []repo.Python) ([]Asked, []Project) {
	var asked []Asked
	projects := []Project{}
	for _, s := range sets {
		file, _, _ := strings.Cut(s.Name, " [")
		folder := path.Dir(file)
		pythons := pythonsOf(folder, uses)
		asked = append(asked, Asked{Set: s, Pythons: pythons})
		if !slices.ContainsFunc(projects, func(p Project) bool { return p.Folder == folder }) {
			projects = append(projects, Project{Folder: folder, Used: pythons, Unsupported: []string{}})
		}
	}
	slices.SortFunc(projects, func(a, b Project) int { return cmp.Compare(a.Folder, b.Folder) })
	return asked, projects
}

func pythonsOf(folder string, uses []repo.Python) []string {
	own, all := []string{}, []string{}
	for _, u := range uses {
		all = append(all, u.Version)
		if u.Folder == "." || u.Folder == folder || strings.HasPrefix(folder, u.Folder+"/") {
			own = append(own, u.Version)
		}
	}
	if len(own) == 0 {
		own = all
	}
	slices.SortFunc(own, version.Compare)
	return slices.Compact(own)
}

// Judge fills in what follows from the ranges and the versions used.
func (p *Python) Judge() {
	p.Unsupported = []string{}
	if p.RequiresNew == nil || len(p.Used) == 0 {
		return
	}
	refused := func(v string) bool { return !version.Allows(*p.RequiresNew, v) }
	for _, v := range p.Used {
		if refused(v) {
			p.Unsupported = append(p.Unsupported, v)
		}
	}
	for i := range p.Projects {
		own := &p.Projects[i]
		own.Unsupported = slices.DeleteFunc(slices.Clone(own.Used), func(v string) bool { return !refused(v) })
	}
	ok := len(p.Unsupported) == 0
	p.Supported = &ok
}
