package zenml

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// readyLimit bounds how long a probe may take to import ZenML.
const readyLimit = 2 * time.Minute

// process is a probe's process. It imports ZenML, says so with a file, and waits for the address of the
// server: importing takes seconds that need not lie in a downtime.
type process struct {
	address *os.File // where the address is written to
	ready   string   // the file
	timeout time.Duration
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when it ended, with err
	err     error
}

// begin starts a probe. The context ends it, whatever it does.
func (w *workdir) begin(ctx context.Context, t Target, script string, args ...string) (*process, error) {
	in, address, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting a probe: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	p := &process{address: address, ready: filepath.Join(w.dir, "ready"), timeout: t.Timeout, cancel: cancel, done: make(chan struct{})}
	_ = os.Remove(p.ready) // of a process before this one
	go func() {
		defer close(p.done)
		_, err := proc.Run(ctx, w.command(t, in, script, args...))
		p.err = withoutSQL(err)
		_ = in.Close()
	}()
	return p, nil
}

// await waits until ZenML is imported. A probe that ends before has failed, which run tells.
func (p *process) await(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(readyLimit)
	for {
		if _, err := os.Stat(p.ready); err == nil {
			return nil
		}
		select {
		case <-p.done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-limit:
			return fmt.Errorf("ZenML was not imported within %s", readyLimit)
		case <-tick.C:
		}
	}
}

// run gives the server's address and waits for the end. The time limit begins now.
func (p *process) run(ctx context.Context, url string) error {
	if p.timeout > 0 {
		limit := time.AfterFunc(p.timeout, func() { p.cancel(proc.ErrTimeout) })
		defer limit.Stop()
	}
	stop := context.AfterFunc(ctx, func() { p.cancel(context.Cause(ctx)) })
	defer stop()
	_, err := p.address.WriteString(url + "\n")
	err = errors.Join(err, p.address.Close())
	<-p.done
	if p.err != nil {
		return p.err
	}
	return err
}

// stop ends a probe and waits for its end. It may have ended already.
func (p *process) stop() {
	p.cancel(context.Canceled)
	_ = p.address.Close() // closed already when it was used
	<-p.done
}

// SmokeProbe is the smoke pipeline, waiting for a server.
type SmokeProbe struct {
	work    *workdir
	process *process
	answer  string
}

// ReadySmoke starts the smoke pipeline's process. Close it in any case.
func ReadySmoke(ctx context.Context, t Target) (*SmokeProbe, error) {
	w, err := newWorkdir(t)
	if err != nil {
		return nil, err
	}
	// Its own folders: what the smoke pipeline writes must not come among the user's artifacts.
	t.StoresPath, t.Dir = "", ""
	p := &SmokeProbe{work: w, answer: filepath.Join(w.dir, "answer.json")}
	if p.process, err = w.begin(ctx, t, "zu_smoke.py", p.answer); err != nil {
		w.remove()
	}
	return p, err
}

// Await waits until the process has imported ZenML.
func (p *SmokeProbe) Await(ctx context.Context) error { return p.process.await(ctx) }

// Close ends the process and removes its files.
func (p *SmokeProbe) Close() {
	p.process.stop()
	p.work.remove()
}

// LoadProbe loads artifacts, waiting for a server.
type LoadProbe struct {
	target  Target
	work    *workdir
	process *process // nil once it was used
	list    string   // file with the ids
	answers string   // file with a line for each
}

// ReadyLoad starts a process that loads artifacts. Close it in any case.
func ReadyLoad(ctx context.Context, t Target) (*LoadProbe, error) {
	w, err := newWorkdir(t)
	if err != nil {
		return nil, err
	}
	p := &LoadProbe{target: t, work: w, list: filepath.Join(w.dir, "ids.json"), answers: filepath.Join(w.dir, "answers.jsonl")}
	if p.process, err = w.begin(ctx, t, "zu_load.py", p.list, p.answers); err != nil {
		w.remove()
	}
	return p, err
}

// Await waits until the process has imported ZenML.
func (p *LoadProbe) Await(ctx context.Context) error { return p.process.await(ctx) }

// Close ends the process and removes its files.
func (p *LoadProbe) Close() {
	if p.process != nil {
		p.process.stop()
	}
	p.work.remove()
}
