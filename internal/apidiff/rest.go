package apidiff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"

	"github.com/zenml-upgrade/zenml-upgrade/internal/facts"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
)

// REST compares the two servers' own OpenAPI documents. They are compared in parts: loaded whole they
// take more than 100 MB.
func (c *Comparer) REST(ctx context.Context) ([]RESTChange, error) {
	// A change of this package's own making gets another word here.
	digest, err := c.digests(openapiScript + " 1")
	if err != nil {
		return nil, fmt.Errorf("comparing the REST API: %w", err)
	}
	changes, err := facts.Keep(c.Dir, "rest-api", digest, list[RESTChange], func() ([]byte, error) {
		older, err := c.documents(ctx, c.Old)
		if err != nil {
			return nil, err
		}
		newer, err := c.documents(ctx, c.New)
		if err != nil {
			return nil, err
		}
		found, err := compareREST(older, newer)
		if err != nil {
			return nil, err
		}
		return json.Marshal(found)
	})
	if err != nil {
		return nil, fmt.Errorf("comparing the REST API: %w", err)
	}
	return changes, nil
}

// documents are the parts of a version's OpenAPI document, by the first word of their paths.
func (c *Comparer) documents(ctx context.Context, env *pyenv.Env) (map[string]json.RawMessage, error) {
	digest, err := facts.Digest(env, folder, openapiScript)
	if err != nil {
		return nil, err
	}
	decode := func(data []byte) (map[string]json.RawMessage, error) {
		var parts map[string]json.RawMessage
		if err := json.Unmarshal(data, &parts); err != nil {
			return nil, err
		}
		if len(parts) == 0 {
			return nil, errors.New("the server has no paths")
		}
		return parts, nil
	}
	return facts.Keep(c.Dir, "openapi", digest, decode, func() ([]byte, error) { return run(ctx, c.Env, env.Python, openapiScript) })
}

func compareREST(older, newer map[string]json.RawMessage) ([]RESTChange, error) {
	out := []RESTChange{}
	words := checker.NewDefaultLocalizer()
	for group := range older { // what only the newer version has breaks no client
		before, err := document(older[group])
		if err != nil {
			return nil, err
		}
		after, err := document(newer[group])
		if err != nil {
			return nil, err
		}
		found, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), before, after)
		if err != nil {
			return nil, err
		}
		for _, x := range checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), found, sources, checker.WARN) {
			out = append(out, RESTChange{Method: x.GetOperation(), Path: x.GetPath(), Kind: x.GetId(), Text: cut(x.GetUncolorizedText(words))})
		}
	}
	key := func(c RESTChange) string { return strings.Join([]string{c.Path, c.Method, c.Kind, c.Text}, "\x00") }
	slices.SortFunc(out, func(a, b RESTChange) int { return strings.Compare(key(a), key(b)) })
	return slices.Compact(out), nil
}

// document loads one part; a part that is missing has no paths.
func document(data json.RawMessage) (*load.SpecInfo, error) {
	if data == nil {
		return &load.SpecInfo{Spec: &openapi3.T{OpenAPI: "3.1.0", Info: &openapi3.Info{Title: "ZenML", Version: "1"}, Paths: openapi3.NewPaths()}}, nil
	}
	// External references are refused by the loader's default.
	spec, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, err
	}
	return &load.SpecInfo{Spec: spec}, nil
}

func cut(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
