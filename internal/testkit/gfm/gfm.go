// Package gfm shows Markdown about as GitHub does: its dialect by goldmark, its alerts, and a style
// of our own that looks alike. It is for looking at what the program writes on GitHub.
package gfm

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

//go:embed github.css
var style string

// alert is a quotation that GitHub colours: its first line is [!KIND].
var alert = regexp.MustCompile(`(?s)<blockquote>\s*<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*`)

// Page renders Markdown as a page in which it stands as a comment. GitHub leaves the folding tags in
// the text and drops every other HTML that could do something; so far as that goes the text is
// taken to be safe, which is tested elsewhere.
func Page(markdown string) (string, error) {
	var body bytes.Buffer
	gm := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := gm.Convert([]byte(markdown), &body); err != nil {
		return "", fmt.Errorf("rendering Markdown: %w", err)
	}
	text := alert.ReplaceAllStringFunc(body.String(), func(s string) string {
		kind := alert.FindStringSubmatch(s)[1]
		title := kind[:1] + strings.ToLower(kind[1:])
		return fmt.Sprintf(`<blockquote class="alert %s"><p class="alert-title">%s</p><p>`, strings.ToLower(kind), title)
	})
	return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>comment</title><style>" + style + "</style></head>\n<body>" +
		`<div class="comment"><div class="head"><strong>github-actions</strong> <span class="bot">bot</span> commented</div><div class="body">` + text +
		"</div></div></body></html>\n", nil
}
