package impact

import (
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
}

// Judge fills in what follows from the ranges and the versions used.
func (p *Python) Judge() {
	p.Unsupported = []string{}
	if p.RequiresNew == nil || len(p.Used) == 0 {
		return
	}
	for _, v := range p.Used {
		if !version.Allows(*p.RequiresNew, v) {
			p.Unsupported = append(p.Unsupported, v)
		}
	}
	ok := len(p.Unsupported) == 0
	p.Supported = &ok
}
