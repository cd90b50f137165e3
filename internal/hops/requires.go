package hops

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// Resolver asks the package index, through uv.
type Resolver interface {
	Resolve(ctx context.Context, q pyenv.Question) (map[string]string, error)
}

// tooOld is a Python that no release of ZenML runs on: asked for it, uv names the range instead.
const tooOld = "3.6"

var asksFor = regexp.MustCompile(`does not satisfy Python([<>=!~][^\s,]*(?:,[<>=!~][^\s,]*)*)`)

// Requires returns what a version of ZenML asks of Python, without installing it: uv says so when it
// refuses a Python that is too old.
func Requires(ctx context.Context, r Resolver, v string) (string, error) {
	_, err := r.Resolve(ctx, pyenv.Question{Requirements: []string{"zenml==" + v}, Python: tooOld})
	var conflict *pyenv.Conflict
	switch {
	case err == nil:
		return ">=" + tooOld, nil
	case errors.As(err, &conflict):
		if m := asksFor.FindStringSubmatch(strings.Join(strings.Fields(conflict.Proof), " ")); m != nil {
			return m[1], nil
		}
	}
	return "", fmt.Errorf("finding which Python ZenML %s runs on: %w", v, err)
}
