package proc

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// tail keeps the last max bytes written to it.
type tail struct {
	max int
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.max {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.max:]...)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	if len(t.buf) > t.max {
		return t.buf[len(t.buf)-t.max:]
	}
	return t.buf
}

// log passes whole lines on, secrets removed, until its budget is spent. Whole lines, because a
// secret cut in two by a write would not be recognised.
type log struct {
	mu      sync.Mutex
	out     io.Writer
	left    int64
	secrets []string
	part    []byte
	cut     bool
}

const longestLine = 64 << 10

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil || l.cut {
		return len(p), nil
	}
	l.part = append(l.part, p...)
	end := bytes.LastIndexByte(l.part, '\n') + 1
	if end == 0 && len(l.part) > longestLine {
		end = len(l.part) - longestLine/2
	}
	if end > 0 {
		l.emit(l.part[:end])
		l.part = append(l.part[:0], l.part[end:]...)
	}
	return len(p), nil
}

func (l *log) emit(b []byte) {
	b = Redact(b, l.secrets)
	if int64(len(b)) > l.left {
		l.cut = true
		fmt.Fprintf(l.out, "%s\n[log cut here: the process wrote more than its limit]\n", b[:l.left])
		return
	}
	l.left -= int64(len(b))
	_, _ = l.out.Write(b) // a full disk must not stop the process that is logged
}

func (l *log) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out != nil && !l.cut && len(l.part) > 0 {
		l.emit(l.part)
		l.part = nil
	}
}

// Redact replaces every secret of four characters or more with ***.
func Redact(b []byte, secrets []string) []byte {
	for _, s := range secrets {
		if len(s) >= 4 {
			b = bytes.ReplaceAll(b, []byte(s), []byte("***"))
		}
	}
	return b
}
