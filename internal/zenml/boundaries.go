package zenml

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Boundaries says, for each request that tells who may do what, the HTTP status of the answer.
type Boundaries map[string]int

// wrongKey has an API key's form and belongs to nobody.
const wrongKey = "ZENKEY_eyJpZCI6IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCIsImtleSI6Indyb25nIn0="

// Boundaries asks without a key, with a wrong token and with a wrong key. It only reads, so that it may
// be asked of any server.
func (c *Client) Boundaries(ctx context.Context) (Boundaries, error) {
	b := Boundaries{}
	nobody, stranger := New(c.base), New(c.base)
	stranger.token = "wrong"
	for _, path := range guarded() {
		for who, client := range map[string]*Client{"no key": nobody, "wrong token": stranger} {
			if err := b.note(who+": GET "+path, client.Get(ctx, path, url.Values{"size": {"1"}}, nil)); err != nil {
				return nil, err
			}
		}
	}
	return b, b.note("wrong key: log-in", nobody.LoginKey(ctx, wrongKey))
}

// guarded are the paths that no stranger may read.
func guarded() []string {
	paths := []string{"/current-user", "/settings"}
	for _, k := range kinds {
		paths = append(paths, k.path)
	}
	return paths
}

// WriteBoundaries asks what only an administrator may do, with the client's own account. What a server
// allows it does: this is for throw-away copies alone.
func (c *Client) WriteBoundaries(ctx context.Context) (Boundaries, error) {
	b := Boundaries{}
	name := "zenml_upgrade_" + strings.ToLower(rand.Text())
	for path, body := range map[string]any{
		"/users":            map[string]any{"name": name, "is_admin": true, "active": false},
		"/service_accounts": map[string]any{"name": name, "active": false},
		"/projects":         map[string]any{"name": name, "description": ""},
	} {
		if err := b.note("own key: POST "+path, c.Post(ctx, path, body, nil)); err != nil {
			return nil, err
		}
	}
	return b, b.note("own key: PUT /settings", c.Put(ctx, "/settings", map[string]any{}, nil))
}

// LoginBoundary files how a server takes a key, such as one that was revoked.
func (b Boundaries) LoginBoundary(ctx context.Context, address, name, key string) error {
	return b.note(name, New(address).LoginKey(ctx, key))
}

// note files an answer's status; the error is for a server that gave no answer.
func (b Boundaries) note(name string, err error) error {
	var status *StatusError
	switch {
	case err == nil:
		b[name] = http.StatusOK
	case errors.As(err, &status):
		b[name] = status.Code
	default:
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// The statuses by which a request led nowhere, as to a route that a version does not have, and all by
// which it got nothing.
var (
	nowhere = []int{http.StatusNotFound, http.StatusMethodNotAllowed}
	refused = append([]int{http.StatusUnauthorized, http.StatusForbidden}, nowhere...)
)

// CompareBoundaries tells where a server answers otherwise than before: opened is what was kept out and
// now is not, or what nobody without a key may get at all; changed is every other difference, such as a
// route that was not there before. Both are sentences, sorted.
func CompareBoundaries(before, after Boundaries) (opened, changed []string) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, known := before[name]
		now := after[name]
		closed := slices.Contains(refused, now)
		text := fmt.Sprintf("%s: %d before, %d now", name, was, now)
		switch {
		case !strings.HasPrefix(name, "own key") && !closed:
			opened = append(opened, fmt.Sprintf("%s: %d, not refused", name, now))
		case !known:
			changed = append(changed, fmt.Sprintf("%s: not asked before, %d now", name, now))
		case slices.Contains(refused, was) && !slices.Contains(nowhere, was) && !closed:
			opened = append(opened, text)
		case now != was && !(closed && slices.Contains(refused, was)):
			changed = append(changed, text)
		}
	}
	return opened, changed
}
