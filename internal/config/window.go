package config

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the slim image has no zone files
)

// Window is a time in which an upgrade may cut over.
type Window struct {
	Start  time.Time // in the zone it was written in
	Length time.Duration
}

// windowStart is how a window's beginning is written.
const windowStart = "2006-01-02T15:04"

// ParseWindow reads START/LENGTH ZONE, such as "2026-11-28T22:00/2h Europe/Berlin".
func ParseWindow(text string) (Window, error) {
	span, zone, ok := strings.Cut(text, " ")
	start, length, ok2 := strings.Cut(span, "/")
	if !ok || !ok2 {
		return Window{}, fmt.Errorf("%q is no window", text)
	}
	// Local and the empty name would mean another time on every machine.
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return Window{}, fmt.Errorf("%q is no time zone", zone)
	}
	begin, err := time.ParseInLocation(windowStart, start, loc)
	if err != nil {
		return Window{}, fmt.Errorf("%q is no time", start)
	}
	if begin.Format(windowStart) != start {
		return Window{}, fmt.Errorf("%s does not exist in %s: clocks go forward there", start, zone)
	}
	d, err := time.ParseDuration(length)
	if err != nil || d <= 0 {
		return Window{}, fmt.Errorf("%q is no duration", length)
	}
	return Window{Start: begin, Length: d}, nil
}
