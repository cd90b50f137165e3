package which

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/repo"
)

// Added is a line that a change brings in. Text comes from outside.
type Added struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// mostAdded bounds each list; the first that were left out show as one more entry without a line.
const mostAdded = 200

var (
	suppression = regexp.MustCompile(`(?i)#\s*(type:\s*ignore|ty:\s*ignore|pyright:\s*ignore|pyre-ignore|pyre-fixme|mypy:\s*ignore-errors|(ruff:\s*|flake8:\s*)?noqa\b|pylint:\s*(disable|skip-file)|zenml-upgrade:\s*(ignore|skip|disable))|@(\w+\.)*no_type_check`)
	// steers are settings, in the files that package clients read, that say where packages come from.
	steers      = regexp.MustCompile(`(?i)^\s*["']?((default-)?index|index-url|extra-index-url|find-links|url|git|path|file|trusted-host|no-index)["']?\s*=|\b(git|url|path|file)\s*=\s*["']`)
	lockSource  = regexp.MustCompile(`^\s*source = \{ ?(registry|git|url|path|directory|editable|virtual) = "[^"]*"`)
	optionLine  = regexp.MustCompile(`^\s*(-i\b|-f\b|-e\b|--(extra-)?index-url|--find-links|--no-index|--trusted-host|--editable|--pre\b)`)
	clientFiles = []string{"pyproject.toml", "Pipfile", "uv.toml", "pip.conf", "pip.ini", "setup.cfg"}
)

// Suppressions are the comments by which the change would silence a checker. None of them counts in
// the check; a person should see them.
func Suppressions(base, head *repo.Tree) []Added {
	return added(base, head, repo.IsPython, func(_, line string) bool { return suppression.MatchString(line) })
}

// Sources are the lines by which the change says where packages come from: indexes, addresses and
// paths. They are not followed.
func Sources(base, head *repo.Tree) []Added {
	steering := func(p string) bool {
		return repo.IsRequirements(p) || slices.Contains(clientFiles, path.Base(p)) || path.Base(p) == "uv.lock"
	}
	out := added(base, head, steering, func(p, line string) bool {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			return false
		}
		switch {
		case path.Base(p) == "uv.lock":
			return lockSource.MatchString(line)
		case slices.Contains(clientFiles, path.Base(p)):
			return steers.MatchString(line) || strings.Contains(line, " @ ")
		}
		return optionLine.MatchString(line) || strings.Contains(line, "://") || strings.Contains(line, " @ ")
	})
	for i := range out {
		out[i].Text = repo.WithoutUser(out[i].Text)
	}
	return out
}

// added lists the lines of some kind that files have at the head and had not at the base, however
// they moved inside their file.
func added(base, head *repo.Tree, in func(p string) bool, counts func(p, line string) bool) []Added {
	out := []Added{}
	for _, p := range head.Files {
		if !in(p) || base.ID(p) == head.ID(p) {
			continue
		}
		data, err := head.Read(p)
		if err != nil {
			continue // told where the file is checked
		}
		had := map[string]int{}
		if old, err := base.Read(p); err == nil {
			for line := range strings.Lines(string(old)) {
				had[strings.TrimSpace(line)]++
			}
		}
		for n, line := range strings.Split(string(data), "\n") {
			if !counts(p, line) {
				continue
			}
			text := strings.TrimSpace(line)
			if had[text]--; had[text] >= 0 {
				continue
			}
			if len(out) == mostAdded {
				return append(out, Added{File: p, Text: "there are more"})
			}
			out = append(out, Added{File: p, Line: n + 1, Text: text})
		}
	}
	return out
}
