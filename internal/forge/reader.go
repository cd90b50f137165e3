// Package forge is GitHub's boundary: the only importer of go-github. Reader changes nothing on
// GitHub; Writer adds what does.
package forge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	ratelimit "github.com/gofri/go-github-ratelimit/v2/github_ratelimit"
	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_secondary_ratelimit"
	"github.com/google/go-github/v62/github"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// Reader asks GitHub and changes nothing. It is safe for concurrent use.
type Reader struct {
	api  *github.Client
	wire *wire
	host string // of the API, for messages
}

// Bounds of what one question may cost.
const (
	largestAnswer = 32 << 20
	mostPages     = 50
	longestWait   = time.Minute // for all of a secondary rate limit's pauses together
	answerTimeout = 30 * time.Second
)

// NewReader returns a reader of the API at apiURL, the address that GITHUB_API_URL holds on a
// runner ("https://github.example.com/api/v3" on an enterprise server). token may be empty; it is
// sent to apiURL's host only, never along a redirect to another.
func NewReader(apiURL, token string) (*Reader, error) {
	base, err := address("GITHUB_API_URL", apiURL, token)
	if err != nil {
		return nil, err
	}
	w := &wire{host: base.Host, token: token, base: http.DefaultTransport.(*http.Transport).Clone()}
	retry := retryablehttp.NewClient()
	retry.HTTPClient = &http.Client{Transport: newRemembering(w), Timeout: answerTimeout, CheckRedirect: lastResponse}
	retry.Logger, retry.RetryMax = nil, 2
	retry.RetryWaitMin, retry.RetryWaitMax = 200*time.Millisecond, 2*time.Second
	retry.CheckRetry, retry.ErrorHandler = retryServerErrors, retryablehttp.PassthroughErrorHandler
	limited := ratelimit.New(&afresh{&retryablehttp.RoundTripper{Client: retry}}, github_secondary_ratelimit.WithTotalSleepLimit(longestWait, nil))
	client := github.NewClient(&http.Client{Transport: limited})
	client.BaseURL = base
	client.UserAgent = "zenml-upgrade"
	return &Reader{api: client, wire: w, host: base.Host}, nil
}

// address checks the address of an API that a token may go to.
func address(name, text, token string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSuffix(text, "/") + "/")
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fault.BadInput("the address of GitHub's API is no http(s) address", "set "+name+" to one, without a user or password in it")
	}
	if base.Scheme == "http" && token != "" && !loopback(base.Hostname()) {
		return nil, fault.BadInput(fmt.Sprintf("a token would go to %q unencrypted", base.Host), "use an https address for "+name)
	}
	return base, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// lastResponse leaves redirects to the outer client, which asks wire anew for every hop.
func lastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// retryServerErrors repeats a request that GitHub itself could not answer, unless it is a POST: that
// may have taken effect all the same, and a second one makes a second thing. A limit is left to
// the limiters, which know its reset time.
func retryServerErrors(ctx context.Context, resp *http.Response, err error) (bool, error) {
	var at *url.Error
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.As(err, &at) && strings.EqualFold(at.Op, http.MethodPost):
		return false, nil
	case err != nil:
		return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
	case resp.Request != nil && resp.Request.Method == http.MethodPost:
		return false, nil
	}
	return resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented && resp.Header.Get("Retry-After") == "", nil
}

// Requests returns how many requests went out so far, repeated ones included.
func (r *Reader) Requests() int { return int(r.wire.requests.Load()) }

// eachPage asks for page after page until one names no next. What cannot be had whole is an error,
// never a part of it.
func (r *Reader) eachPage(doing string, ask func(*github.ListOptions) (*github.Response, error)) error {
	opts := &github.ListOptions{PerPage: 100, Page: 1}
	for range mostPages {
		resp, err := ask(opts)
		if err != nil {
			return r.explain(doing, err)
		}
		if resp.NextPage == 0 {
			return nil
		}
		if resp.NextPage <= opts.Page {
			return r.explain(doing, fmt.Errorf("page %d names page %d as the next", opts.Page, resp.NextPage))
		}
		opts.Page = resp.NextPage
	}
	return r.explain(doing, fmt.Errorf("there are more than %d pages", mostPages))
}
