// Package faults holds the tests that end an upgrade at every point, and break what it stands on, for
// real: the whole program, real databases, and stand-ins for ZenML's own programs
// (internal/testkit/standin). docs/faults.md says what is tried and what comes of it.
package faults
