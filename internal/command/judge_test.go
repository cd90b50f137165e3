package command_test

import (
	"context"

	"github.com/zenml-upgrade/zenml-upgrade/internal/gate"
)

// judge is a rule's verdict and what was got.
func judge(ctx context.Context, r gate.Rule) string {
	g := gate.Judge(ctx, []gate.Rule{r})[0]
	return string(g.Verdict) + ": " + g.Got
}
