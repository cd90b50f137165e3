// Package progress shows a person what a run is doing: a live line on a terminal, plain lines
// elsewhere.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Display writes the progress of one run. It is safe for use by several goroutines; the zero
// value and nil show nothing.
type Display struct {
	mu     sync.Mutex
	out    io.Writer
	live   bool
	active []*Step
	stop   chan struct{}
	drawn  bool
}

// New returns a display; live redraws one line (for a terminal), else every step is a line.
func New(out io.Writer, live bool) *Display {
	d := &Display{out: out, live: live, stop: make(chan struct{})}
	if live {
		go d.spin()
	}
	return d
}

// Close ends the live line.
func (d *Display) Close() {
	if d == nil || d.out == nil || !d.live {
		return
	}
	close(d.stop)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clear()
	d.live = false
}

// Step is one piece of work under way.
type Step struct {
	d     *Display
	name  string
	begin time.Time
	done  bool
}

// Start announces a step.
func (d *Display) Start(name string) *Step {
	s := &Step{d: d, name: name, begin: time.Now()}
	if d == nil || d.out == nil {
		return s
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.active = append(d.active, s)
	if d.live {
		d.draw()
	} else {
		fmt.Fprintf(d.out, "  ... %s\n", name)
	}
	return s
}

// Done ends the step; the note is shown beside it (empty: none).
func (s *Step) Done(note string) { s.end("ok", note) }

// Fail ends the step as failed. A step that has ended stays as it ended.
func (s *Step) Fail(note string) { s.end("FAIL", note) }

// Skip ends the step as not done, saying why.
func (s *Step) Skip(why string) { s.end("skip", why) }

// Seconds since the step began.
func (s *Step) Seconds() float64 { return time.Since(s.begin).Seconds() }

func (s *Step) end(mark, note string) {
	d := s.d
	if d == nil || d.out == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.done {
		return
	}
	s.done = true
	for i, a := range d.active {
		if a == s {
			d.active = append(d.active[:i], d.active[i+1:]...)
			break
		}
	}
	d.clear()
	if note != "" {
		note = "  " + oneLine(note)
	}
	fmt.Fprintf(d.out, "  %-4s %6.1fs  %s%s\n", mark, s.Seconds(), s.name, note)
	if d.live {
		d.draw()
	}
}

// Print writes a line of its own.
func (d *Display) Print(format string, args ...any) {
	if d == nil || d.out == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clear()
	fmt.Fprintf(d.out, format+"\n", args...)
	if d.live {
		d.draw()
	}
}

func (d *Display) spin() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-t.C:
			d.mu.Lock()
			if d.live {
				d.draw()
			}
			d.mu.Unlock()
		}
	}
}

func (d *Display) clear() {
	if d.drawn {
		fmt.Fprint(d.out, "\r\x1b[2K")
		d.drawn = false
	}
}

func (d *Display) draw() {
	d.clear()
	if len(d.active) == 0 {
		return
	}
	parts := make([]string, 0, len(d.active))
	for _, s := range d.active {
		parts = append(parts, fmt.Sprintf("%s %.0fs", s.name, s.Seconds()))
	}
	line := []rune("  ... " + strings.Join(parts, " | "))
	if len(line) > 100 {
		line = append(line[:99], '…')
	}
	fmt.Fprint(d.out, string(line))
	d.drawn = true
}

// oneLine keeps text from outside (a log line, a server's answer) from steering the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
