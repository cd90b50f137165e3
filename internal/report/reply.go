package report

import "strings"

// Reply writes blocks as Markdown for a comment that is no report: without verdict and footer.
func Reply(blocks ...Block) string {
	parts := make([]string, 0, len(blocks))
	for _, b := range blocks {
		parts = append(parts, mdBlock(b))
	}
	return defuse(strings.Join(parts, "\n\n"))
}
