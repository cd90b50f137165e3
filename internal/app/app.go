// Package app is the command line: action name to action, error to exit status.
package app

import (
	"context"
	"fmt"
	"io"
)

// Main runs the program and returns its exit status.
func Main(_ context.Context, _ []string, _ []string, _, stderr io.Writer) int {
	fmt.Fprintln(stderr, "not built yet")
	return 2
}
