package zenml

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/sync/errgroup"
)

// ErrNoDashboard says that a server's first page is no dashboard: it has none, or keeps it elsewhere.
var ErrNoDashboard = errors.New("the server shows no dashboard at its address")

const (
	maxPage       = 4 << 20  // of the dashboard's first page, in bytes; real ones have some 10 kB
	maxAsset      = 64 << 20 // of a file of it; real ones have up to 2 MB
	maxAssets     = 500
	assetsAtATime = 4
)

// Dashboard reads the dashboard's first page and every script and style that it names, and returns how
// many these are. A file that is missing is answered with the first page by ZenML, which is told here.
// Whether a browser can show it is more than this proves.
func (c *Client) Dashboard(ctx context.Context) (int, error) {
	resp, err := c.file(ctx, c.base+"/")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !isPage(resp) {
		return 0, ErrNoDashboard
	}
	assets, err := assetsOf(resp.Request.URL, io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return 0, fmt.Errorf("reading the dashboard's first page: %w", err)
	}
	if len(assets) == 0 {
		return 0, ErrNoDashboard
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(assetsAtATime)
	for _, a := range assets {
		g.Go(func() error { return c.asset(gctx, a) })
	}
	return len(assets), g.Wait()
}

// asset reads one file to its end.
func (c *Client) asset(ctx context.Context, address string) error {
	resp, err := c.file(ctx, address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	name := resp.Request.URL.Path
	switch n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAsset)); {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the dashboard's file %q: status %d", name, resp.StatusCode)
	case isPage(resp):
		return fmt.Errorf("the dashboard's file %q is missing: a page comes in its place", name)
	case err != nil:
		return fmt.Errorf("the dashboard's file %q: %w", name, err)
	case n == 0:
		return fmt.Errorf("the dashboard's file %q is empty", name)
	}
	return nil
}

func (c *Client) file(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking for the dashboard: %w", bare(err))
	}
	req.Header.Set("Accept", "text/html, */*")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking for the dashboard: %w", bare(err))
	}
	return resp, nil
}

func isPage(r *http.Response) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
}

// assetsOf lists the scripts and styles of a page that lie on the page's own server, each once.
func assetsOf(page *url.URL, text io.Reader) ([]string, error) {
	seen := map[string]bool{}
	var out []string
	tokens := html.NewTokenizer(text)
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				return nil, err
			}
			return out, nil
		case html.StartTagToken, html.SelfClosingTagToken:
			ref := reference(tokens.Token())
			u, err := page.Parse(ref)
			if ref == "" || err != nil || u.Host != page.Host || seen[u.String()] || len(out) == maxAssets {
				continue
			}
			seen[u.String()] = true
			out = append(out, u.String())
		default: // text and closing tags name no file
		}
	}
}

// reference returns the file that a tag needs, "" for none.
func reference(t html.Token) string {
	attr := map[string]string{}
	for _, a := range t.Attr {
		attr[a.Key] = a.Val
	}
	switch {
	case t.DataAtom == atom.Script:
		return attr["src"]
	case t.DataAtom == atom.Link && (attr["rel"] == "stylesheet" || attr["rel"] == "modulepreload"):
		return attr["href"]
	}
	return ""
}
