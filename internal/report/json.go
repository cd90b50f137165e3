package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes v indented by two blanks, with a line end, and with <, > and & as they are:
// result.json is read by programs and people, not by browsers.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}
