// Package forge is GitHub's boundary: the only importer of go-github. This file is the reading
// half, which changes nothing on GitHub.
package forge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	ratelimit "github.com/gofri/go-github-ratelimit/v2/github_ratelimit"
	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_primary_ratelimit"
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

// Release is a published release. Body is Markdown from outside.
type Release struct {
	Tag         string
	URL         string
	Body        string
	PublishedAt *time.Time
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
	base, err := url.Parse(strings.TrimSuffix(apiURL, "/") + "/")
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fault.BadInput("the address of GitHub's API is no http(s) address", "set GITHUB_API_URL to one, without a user or password in it")
	}
	if base.Scheme == "http" && token != "" && !loopback(base.Hostname()) {
		return nil, fault.BadInput(fmt.Sprintf("a token would go to %q unencrypted", base.Host), "use an https address for GITHUB_API_URL")
	}
	w := &wire{host: base.Host, token: token, base: http.DefaultTransport.(*http.Transport).Clone()}
	retry := retryablehttp.NewClient()
	retry.HTTPClient = &http.Client{Transport: w, Timeout: answerTimeout, CheckRedirect: lastResponse}
	retry.Logger, retry.RetryMax = nil, 2
	retry.RetryWaitMin, retry.RetryWaitMax = 200*time.Millisecond, 2*time.Second
	retry.CheckRetry, retry.ErrorHandler = retryServerErrors, retryablehttp.PassthroughErrorHandler
	limited := ratelimit.New(&retryablehttp.RoundTripper{Client: retry}, github_secondary_ratelimit.WithTotalSleepLimit(longestWait, nil))
	client := github.NewClient(&http.Client{Transport: limited})
	client.BaseURL = base
	client.UserAgent = "zenml-upgrade"
	return &Reader{api: client, wire: w, host: base.Host}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// lastResponse leaves redirects to the outer client, which asks wire anew for every hop.
func lastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// retryServerErrors repeats a question that GitHub itself could not answer. A limit is left to the
// limiters, which know its reset time.
func retryServerErrors(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
	}
	return resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented && resp.Header.Get("Retry-After") == "", nil
}

// Requests returns how many requests went out so far, repeated ones included.
func (r *Reader) Requests() int { return int(r.wire.requests.Load()) }

// Releases returns the published releases of a repository, newest first as GitHub lists them;
// drafts are left out. A list that cannot be had whole is an error, never a part of it.
func (r *Reader) Releases(ctx context.Context, owner, repo string) ([]Release, error) {
	var out []Release
	opts := &github.ListOptions{PerPage: 100, Page: 1}
	for range mostPages {
		page, resp, err := r.api.Repositories.ListReleases(ctx, owner, repo, opts)
		if err != nil {
			return nil, r.explain(fmt.Sprintf("listing the releases of %q", owner+"/"+repo), err)
		}
		for _, rel := range page {
			if !rel.GetDraft() {
				out = append(out, release(rel))
			}
		}
		if resp.NextPage == 0 {
			return out, nil
		}
		if resp.NextPage <= opts.Page {
			return nil, r.explain("listing releases", fmt.Errorf("page %d names page %d as the next", opts.Page, resp.NextPage))
		}
		opts.Page = resp.NextPage
	}
	return nil, r.explain("listing releases", fmt.Errorf("there are more than %d pages", mostPages))
}

func release(rel *github.RepositoryRelease) Release {
	out := Release{Tag: rel.GetTagName(), URL: rel.GetHTMLURL(), Body: rel.GetBody()}
	if rel.PublishedAt != nil {
		out.PublishedAt = &rel.PublishedAt.Time
	}
	return out
}

// explain words an error for the user. GitHub's own message is quoted: it comes from outside.
func (r *Reader) explain(doing string, err error) error {
	next := "try again later"
	var limit *github_primary_ratelimit.RateLimitReachedError
	var limited *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	var answer *github.ErrorResponse
	switch {
	case errors.As(err, &limit) || errors.As(err, &limited):
		reset := ""
		if limit != nil && limit.ResetTime != nil {
			reset = " after " + limit.ResetTime.UTC().Format(time.RFC3339)
		} else if limited != nil {
			reset = " after " + limited.Rate.Reset.UTC().Format(time.RFC3339)
		}
		err, next = errors.New("the rate limit is used up"), "try again"+reset+", or give a token"
	case errors.As(err, &abuse):
		err, next = errors.New("GitHub asks to slow down"), "try again in some minutes"
	case errors.As(err, &answer):
		err = fmt.Errorf("status %d: %q", answer.Response.StatusCode, answer.Message)
		switch answer.Response.StatusCode {
		case http.StatusUnauthorized:
			next = "give a token that is valid"
		case http.StatusForbidden, http.StatusNotFound:
			next = "check that the repository exists and that the token may read it"
		}
	}
	return fault.Unreachable(fmt.Sprintf("GitHub (%s) did not answer when %s", r.host, doing), err, next)
}

// wire is the last thing before the network: it counts, signs and bounds.
type wire struct {
	host, token string
	base        http.RoundTripper
	requests    atomic.Int64
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.requests.Add(1)
	if w.token != "" && req.URL.Host == w.host {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: largestAnswer}
	return resp, nil
}

// bounded fails when an answer is larger than it may be, rather than giving a part of it.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("the answer is larger than %d MiB", largestAnswer>>20)
	}
	return n, err
}
