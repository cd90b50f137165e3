// Command manifest writes what is generated from actions/*/action.yml: the root action.yml, which
// is the suite as one action, and the tables of inputs and outputs in the actions' READMEs. With
// --check it writes nothing and fails when one of them is stale.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a generated file is stale")
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := run(*root, *check, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run writes the generated files below root, or compares them.
func run(root string, check bool, out io.Writer) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	stale := 0
	for _, f := range files {
		if old, err := os.ReadFile(f.path); err == nil && bytes.Equal(old, f.text) {
			continue
		}
		stale++
		fmt.Fprintln(out, f.path)
		if !check {
			if err := os.WriteFile(f.path, f.text, 0o644); err != nil {
				return fmt.Errorf("writing a generated file: %w", err)
			}
		}
	}
	if check && stale > 0 {
		return fmt.Errorf("%d generated files are stale; run: go run ./tools/manifest", stale)
	}
	return nil
}
