package forge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_primary_ratelimit"
	"github.com/google/go-github/v62/github"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// ErrNotAllowed says that the token may not do this: what jobs get for writing on pull requests from
// forks and by Dependabot, or a job whose permissions leave the scope out.
var ErrNotAllowed = errors.New("the token may not do this")

// explain words an error for the user. GitHub's own message is quoted: it comes from outside.
func (r *Reader) explain(doing string, err error) error {
	next, how := "try again later", "did not answer when"
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
		if next, err = refusal(answer); answer.Response.StatusCode < http.StatusInternalServerError {
			how = "refused"
		}
	}
	return fault.Unreachable(fmt.Sprintf("GitHub (%s) %s %s", r.host, how, doing), err, next)
}

// refusal says what to do about an answer that is an error, and words it.
func refusal(answer *github.ErrorResponse) (next string, err error) {
	status := answer.Response.StatusCode
	err = fmt.Errorf("status %d: %q", status, answer.Message)
	switch {
	case status == http.StatusForbidden && strings.HasPrefix(answer.Message, "Resource not accessible"):
		return "give the job the permission that this needs", fmt.Errorf("%w (%w)", ErrNotAllowed, err)
	case status == http.StatusUnauthorized:
		return "give a token that is valid", err
	case status == http.StatusForbidden || status == http.StatusNotFound:
		return "check that the repository exists and that the token may read it", err
	}
	return "try again later", err
}

// status is the status of an answer that is an error, 0 for any other failure.
func status(err error) int {
	var answer *github.ErrorResponse
	if errors.As(err, &answer) {
		return answer.Response.StatusCode
	}
	return 0
}

// ambiguous says whether a request that failed may have taken effect all the same.
func ambiguous(err error) bool {
	var limit *github_primary_ratelimit.RateLimitReachedError
	var limited *github.RateLimitError
	var abuse *github.AbuseRateLimitError
	if errors.As(err, &limit) || errors.As(err, &limited) || errors.As(err, &abuse) {
		return false
	}
	code := status(err)
	return code == 0 || code >= 500
}
