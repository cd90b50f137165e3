// Command workflows checks the workflows that the repository ships, runs and shows in its examples against
// the house's rules and against each other, and writes the table of the README that says what each needs and
// may. With --check it writes nothing and fails when the table is stale.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when the table is stale")
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run lints every workflow below root and writes the table, or compares it.
func run(root string, check bool) error {
	all, err := load(root)
	if err != nil {
		return err
	}
	if err := errors.Join(lint(all)...); err != nil {
		return err
	}
	path := filepath.Join(root, "README.md")
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the README: %w", err)
	}
	before, rest, ok := bytes.Cut(old, []byte("<!-- workflows -->\n"))
	_, after, ok2 := bytes.Cut(rest, []byte("<!-- /workflows -->"))
	if !ok || !ok2 {
		return fmt.Errorf("%q has no <!-- workflows --> ... <!-- /workflows -->", path)
	}
	text := bytes.Join([][]byte{before, []byte("<!-- workflows -->\n"), []byte(table(all)), []byte("<!-- /workflows -->"), after}, nil)
	switch {
	case bytes.Equal(old, text):
		return nil
	case check:
		return errors.New("the table of the workflows is stale; run: make generate")
	}
	return os.WriteFile(path, text, 0o644)
}
