// Package standin stands in for the parts of an upgrade that are slow: ZenML's server, its client and
// the package tools. A test binary that calls Main first is all of them, as real processes: a server
// opens its database, answers what an upgrade asks and, when it is the new version, migrates by a
// script of statements. Everything else of an upgrade is real.
package standin

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The versions there are.
const (
	Old   = "0.85.0"
	New   = "0.98.0"
	Patch = "0.98.1"
)

// The settings of a stand-in, beside ZenML's own.
const (
	versionKey = "STANDIN_VERSION"
	siteKey    = "STANDIN_SITE" // the folder of a Site's faults
	realKey    = "STANDIN_REAL" // digest of the real database's address: faults happen on it, never on a copy
)

// Main is whatever this process was started as, and then does not return. Call it before anything
// else in TestMain.
func Main() {
	name := filepath.Base(os.Args[0])
	var err error
	switch version := os.Getenv(versionKey); {
	case name == "uv":
		err = uv(os.Args[1:])
	case name == "pip":
		fmt.Printf("zenml (%s)\nAvailable versions: %s, %s, %s\n", Patch, Patch, New, Old)
	case version != "":
		err = python(version, os.Args[1:])
	default:
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Prepare writes the interpreters that sites of a cache share, before any test runs: a program that is
// being written cannot be started, and a child of a test beside it may hold it open.
func Prepare(cache string) error {
	var err error
	for _, v := range []string{Old, New, Patch} {
		err = errors.Join(err, interpreter(byHand(cache, v), v))
	}
	return err
}

// byHand is the interpreter of a version that nobody made an environment for: what a person installed.
func byHand(cache, version string) string { return filepath.Join(cache, "by-hand", version, "python") }

// tools makes a folder of programs that are this test binary.
func tools(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"uv", "pip", "ty"} {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// interpreter writes a Python of a version: a script that becomes this very program.
func interpreter(path, version string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	text := fmt.Sprintf("#!/bin/sh\n%s=%s exec '%s' \"$@\"\n", versionKey, version, self)
	return os.WriteFile(path, []byte(text), 0o700)
}

// uv makes environments: "uv venv DIR" and "uv pip install --python DIR/bin/python -r LIST".
func uv(args []string) error {
	after := func(flag string) string {
		for i, a := range args[:len(args)-1] {
			if a == flag {
				return args[i+1]
			}
		}
		return ""
	}
	if args[0] == "venv" {
		for _, a := range args {
			if filepath.IsAbs(a) && a != after("--python") {
				return interpreter(filepath.Join(a, "bin", "python"), "none")
			}
		}
	}
	list, err := os.ReadFile(after("-r"))
	if err != nil {
		return err
	}
	for _, v := range []string{Patch, New, Old} {
		if strings.Contains(string(list), "=="+v) {
			return interpreter(after("--python"), v)
		}
	}
	return fmt.Errorf("no version of ZenML in %q", list)
}

// python is what an interpreter is asked for: the installed version, a server, a probe.
func python(version string, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "-I":
		fmt.Println(version)
		return nil
	case (len(args) == 2 || len(args) == 3 && args[2] == "defer-keys") && filepath.Base(args[0]) == "zenml_upgrade_server.py":
		return launch(version, args[1]) // its migration adds no foreign keys
	case len(args) == 2 && args[0] == "-":
		return newKey(args[1])
	case len(args) == 2 && filepath.Base(args[0]) == "zu_smoke.py":
		return smoke(filepath.Dir(args[0]), args[1])
	case len(args) == 3 && filepath.Base(args[0]) == "zu_components.py": // there are none that code could make
		return os.WriteFile(args[2], []byte("{}"), 0o600)
	}
	return fmt.Errorf("a stand-in is not asked for %q", args)
}

// smoke is the smoke pipeline: it waits for an address as the real one does (zu_ready.py), makes a run
// and deletes it.
func smoke(dir, answer string) error {
	if err := os.WriteFile(filepath.Join(dir, "ready"), nil, 0o600); err != nil {
		return err
	}
	url, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	url = strings.TrimSpace(url)
	key := os.Getenv("ZENML_STORE_API_KEY")
	status := "completed"
	if err := smokeRun(url, key); err != nil {
		status = err.Error()
	}
	body, err := json.Marshal(map[string]any{"status": status, "value": 42, "steps": 2})
	if err != nil {
		return err
	}
	return os.WriteFile(answer, body, 0o600)
}

// newKey makes an account in the database of the settings and prints its key, as newkey.py does.
func newKey(name string) error {
	db, err := openStore(os.Getenv("ZENML_STORE_URL"))
	if err != nil {
		return err
	}
	key := "ZENKEY_" + rand.Text()
	if _, err := db.ExecContext(context.Background(), "INSERT INTO api_key VALUES (?, ?, '2026-11-25 00:00:00', '2026-11-25 00:00:00', 1, ?)", name, name, `{"key": "`+digest(key)+`"}`); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"key": key}); err != nil {
		return errors.Join(err, db.Close())
	}
	return db.Close()
}

func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:16] }
