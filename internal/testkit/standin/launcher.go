package standin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// launch speaks with its parent as the real launcher (internal/server/launcher.py) does: one line for
// each step on standard input, one JSON line for each answer on standard output.
func launch(version, logPath string) error {
	log, err := os.OpenFile(logPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s := &srv{version: version, log: log}
	say := func(fact map[string]any) {
		line, _ := json.Marshal(fact) // of texts and numbers
		_, _ = os.Stdout.Write(append(line, '\n'))
	}
	detached := atomic.Bool{}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	lines := make(chan string)
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			lines <- in.Text()
		}
		if !detached.Load() {
			os.Exit(1)
		}
	}()
	say(map[string]any{"done": "load", "version": version})
	for {
		select {
		case <-ended:
			return s.close()
		case line := <-lines:
			word, rest, _ := strings.Cut(line, " ")
			fact := map[string]any{"done": word}
			switch word {
			case "serve":
				err = s.serve(rest, func(port int) { fact["port"] = port; say(fact) })
				if err != nil {
					fmt.Fprintf(log, "Traceback (most recent call last):\n%v\n", err)
					os.Exit(3)
				}
				continue
			case "open":
				var port int
				if port, err = s.open(rest); err != nil {
					fact["error"] = err.Error()
				}
				fact["port"] = port
			case "detach":
				detached.Store(true)
				if err := clearDeathSignal(); err != nil {
					fact["error"] = err.Error()
				}
			}
			say(fact)
		}
	}
}

func init() {
	if os.Getenv(versionKey) != "" {
		runtime.LockOSThread() // on the main thread, whose death signal it is
	}
}

// clearDeathSignal lets the process outlive its parent.
func clearDeathSignal() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0) }

// srv is a server.
type srv struct {
	version string
	log     *os.File
	store   *store
	http    *http.Server
	opened  atomic.Bool
	count   atomic.Int64 // of questions who it is
}

// serve migrates the database if it is older and answers on a port of loopback.
func (s *srv) serve(port string, bound func(int)) error {
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", n))
	if err != nil {
		return fmt.Errorf("OSError: %w", err)
	}
	bound(l.Addr().(*net.TCPAddr).Port)
	if s.store, err = openStore(os.Getenv("ZENML_STORE_URL")); err != nil {
		return err
	}
	if err := s.migrate(); err != nil {
		return err
	}
	if s.fault("never-answers") {
		return nil // bound, and silent
	}
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }()
	return nil
}

func (s *srv) open(address string) (int, error) {
	if s.fault("open-fails") {
		return 0, errors.New("address already in use")
	}
	var l net.Listener
	var err error
	for range 200 { // as SO_REUSEADDR does not help beside a socket that is just closing
		if l, err = new(net.ListenConfig).Listen(context.Background(), "tcp", address); err == nil {
			go func() { _ = s.http.Serve(l) }()
			s.opened.Store(true)
			return l.Addr().(*net.TCPAddr).Port, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0, err
}

func (s *srv) close() error {
	if s.http != nil {
		// What is asked is answered in milliseconds; a connection that asked nothing yet would hold it for 5 s.
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			_ = s.http.Close()
		}
	}
	if s.store != nil {
		return s.store.Close()
	}
	return nil
}

// fault says whether the Site wants a fault of this name from a server like this one: "new-" and
// "old-" begin the names of faults of the real database's servers, "copy-" those of copies'.
func (s *srv) fault(name string) bool {
	who := "new-"
	switch {
	case digest(os.Getenv("ZENML_STORE_URL")) != os.Getenv(realKey):
		who = "copy-"
	case s.version == Old:
		who = "old-"
	}
	path := filepath.Join(os.Getenv(siteKey), who+name)
	if os.Remove(path+"-once") == nil { // of the first who meets it
		return true
	}
	_, err := os.Stat(path)
	return err == nil
}
