package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// ask puts a question to the GraphQL API. An answer that names errors beside its data is none.
func (w *Writer) ask(ctx context.Context, question string, variables map[string]string, into any) error {
	body, err := json.Marshal(struct {
		Query     string            `json:"query"`
		Variables map[string]string `json:"variables,omitempty"`
	}{question, variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.graphQL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if _, err := w.api.Do(ctx, req, &answer); err != nil {
		return err
	}
	switch {
	case len(answer.Errors) > 0:
		return fmt.Errorf("it answers %q", answer.Errors[0].Message)
	case len(answer.Data) == 0:
		return errors.New("the answer holds no data")
	}
	return json.Unmarshal(answer.Data, into)
}
