// Package zenml talks to a ZenML server: its REST API from Go, and through short Python programs
// what only ZenML's own client can prove (a pipeline runs, an artifact loads).
package zenml

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// A server sorts what it lists: with 200,000 steps on a busy machine the newest 50 took more than 30 s.
	requestTimeout = 3 * time.Minute
	maxAnswer      = 64 << 20
	apiRoot        = "/api/v1"
)

// Client is a client of one server's REST API. It sends every request once. After a login it is
// safe for concurrent use.
type Client struct {
	base  string
	http  *http.Client
	token string
}

// Info is what a server says of itself without a login; reading it takes the database.
type Info struct {
	ID             string `json:"id"`
	Version        string `json:"version"`
	Active         bool   `json:"active"`
	DeploymentType string `json:"deployment_type"` // "cloud": ZenML Pro
	DatabaseType   string `json:"database_type"`   // "sqlite", "mysql"
	AuthScheme     string `json:"auth_scheme"`

	SecretsStoreType string `json:"secrets_store_type"`
}

// StatusError is an answer that is not 2xx. The server's words are left out: those of a 500 hold
// SQL with its values.
type StatusError struct {
	Code         int
	Method, Path string
}

func (e *StatusError) Error() string {
	hint := ""
	switch {
	case e.Code >= 300 && e.Code < 400:
		hint = " (a redirect: give the address that it leads to)"
	case e.Code == http.StatusUnauthorized:
		hint = " (the key or token is not valid here)"
	case e.Code == http.StatusForbidden:
		hint = " (the account lacks the right)"
	}
	return fmt.Sprintf("%s %s: status %d%s", e.Method, e.Path, e.Code, hint)
}

// New returns a client of the server at baseURL, such as https://zenml.example.com.
func New(baseURL string) *Client {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 4, IdleConnTimeout: 10 * time.Second}
	return &Client{
		base: strings.TrimRight(baseURL, "/"),
		http: &http.Client{
			Transport: transport, Timeout: requestTimeout,
			// A redirected POST becomes a GET and would lose the key on its way.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// URL returns the server's base address, without a slash at its end.
func (c *Client) URL() string { return c.base }

// Info reads /api/v1/info.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var info Info
	if err := c.Get(ctx, "/info", nil, &info); err != nil {
		return Info{}, err
	}
	if info.Version == "" {
		return Info{}, errors.New("GET /info: the answer names no version, so this is no ZenML server")
	}
	return info, nil
}

// Version returns the server's version, from /api/v1/info.
func (c *Client) Version(ctx context.Context) (string, error) {
	info, err := c.Info(ctx)
	return info.Version, err
}

// LoginKey logs in with a service account's API key (ZENKEY_...). A wrong one gives *StatusError.
func (c *Client) LoginKey(ctx context.Context, key string) error {
	return c.login(ctx, url.Values{"password": {key}}) // no username: the server infers the API key grant
}

// LoginPassword logs in as a user; the password may be empty. A wrong one gives *StatusError.
func (c *Client) LoginPassword(ctx context.Context, user, password string) error {
	return c.login(ctx, url.Values{"username": {user}, "password": {password}})
}

func (c *Client) login(ctx context.Context, form url.Values) error {
	var got struct {
		AccessToken string `json:"access_token"`
	}
	body := strings.NewReader(form.Encode())
	if err := c.do(ctx, http.MethodPost, "/login", body, "application/x-www-form-urlencoded", &got); err != nil {
		return fmt.Errorf("logging in: %w", err)
	}
	if got.AccessToken == "" {
		return errors.New("logging in: the server gave no token")
	}
	c.token = got.AccessToken
	return nil
}

// Get reads path, which begins after /api/v1, into out.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, "", out)
}

// Post sends body as JSON; out may be nil.
func (c *Client) Post(ctx context.Context, path string, body, out any) error {
	return c.write(ctx, http.MethodPost, path, body, out)
}

// Put sends body as JSON; out may be nil.
func (c *Client) Put(ctx context.Context, path string, body, out any) error {
	return c.write(ctx, http.MethodPut, path, body, out)
}

// Delete deletes what path names. What is not there gives *StatusError.
func (c *Client) Delete(ctx context.Context, path string) error {
	return c.do(ctx, http.MethodDelete, path, nil, "", nil)
}

// At returns the client for another address of the same server, with the same log-in.
func (c *Client) At(baseURL string) *Client {
	other := New(baseURL)
	other.token = c.token
	return other
}

// StopRun asks the server to stop a pipeline run at once (0.83 and newer; older ones give 404 or 405).
func (c *Client) StopRun(ctx context.Context, id string) error {
	return c.Post(ctx, "/runs/"+url.PathEscape(id)+"/stop", nil, nil)
}

func (c *Client) write(ctx context.Context, method, path string, body, out any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the body of %s %s: %w", method, path, err)
	}
	return c.do(ctx, method, path, bytes.NewReader(b), "application/json", out)
}

func (c *Client) do(ctx context.Context, method, path string, body io.Reader, contentType string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+apiRoot+path, body)
	if err != nil {
		return fmt.Errorf("making the request %s %s: %w", method, path, bare(err))
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, bare(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
		return &StatusError{Code: resp.StatusCode, Method: method, Path: path}
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: reading the answer: %w", method, path, err)
	case len(b) > maxAnswer:
		return fmt.Errorf("%s %s: the answer is larger than %d MiB", method, path, maxAnswer>>20)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%s %s: the answer is not the JSON of a ZenML server", method, path)
	}
	return nil
}

// bare takes the address off a request's error: it may hold a user's password.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
