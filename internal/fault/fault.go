// Package fault holds the errors a user sees: what happened, what is safe, what to do next.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Kind says which class of failure an error is; the command line turns it into an exit status.
type Kind int

const (
	// NoVerdict means that something the verdict needs could not be reached (exit status 3).
	NoVerdict Kind = iota
	// Input means that what the user gave is wrong (exit status 2).
	Input
)

// Error is a failure worded for the user.
type Error struct {
	Kind Kind
	What string // what happened, naming the thing
	Safe string // what was not touched, may be empty
	Next string // what to do now
	Err  error  // the cause, may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.What)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	for _, s := range []string{e.Safe, e.Next} {
		if s != "" {
			b.WriteString("; " + s)
		}
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// BadInput is an input fault: what names the input and the value, next the remedy.
func BadInput(what, next string) *Error { return &Error{Kind: Input, What: what, Next: next} }

// Unreachable is a fault of the world: a server, database or index that did not answer.
func Unreachable(what string, err error, next string) *Error {
	return &Error{Kind: NoVerdict, What: what, Err: err, Next: next}
}

// NoRoom says whether a disk or a quota is full.
func NoRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// List takes a joined error apart into the single faults.
func List(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, List(e)...)
		}
		return out
	}
	return []error{err}
}

// IsInput says whether every fault in err is an input fault.
func IsInput(err error) bool {
	faults := List(err)
	for _, e := range faults {
		var f *Error
		if !errors.As(e, &f) || f.Kind != Input {
			return false
		}
	}
	return len(faults) > 0
}
