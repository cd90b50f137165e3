package faults

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	stagingupgrade "github.com/zenml-upgrade/zenml-upgrade/actions/staging-upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/app"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/standin"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade/journal"
)

// The variables by which a test tells the program where to end, and asks which entries it wrote.
const (
	killEnv    = "FAULTS_KILL"    // before or after, and the entry: its number among those that the run writes, or "STEP EVENT"
	entriesEnv = "FAULTS_ENTRIES" // a file that gets one line for each entry
	askEnv     = "FAULTS_ASK"     // an address that is asked before and after each entry, and answers when the run may go on
	clockEnv   = "FAULTS_CLOCK"   // by how much the clock is wrong from the end of the preflight on
)

func TestMain(m *testing.M) {
	if os.Getenv(standin.ProgramEnv) != "" {
		os.Exit(program())
	}
	standin.Main()
	os.Exit(test(m))
}

func test(m *testing.M) int {
	// Most of a cell is waiting for processes and disks: more of them at once than there are processors.
	err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if shared, err = os.MkdirTemp("", "zenml-upgrade-faults-"); err == nil {
		err = standin.Prepare(shared)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(shared)
	return dbserver.Main(m)
}

// program is the whole program, which ends itself where killEnv says.
func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	act := stagingupgrade.New(func(o *upgrade.Options) {
		end, jump := watch(os.Getenv(killEnv), os.Getenv(entriesEnv)), atomic.Bool{}
		wrong, _ := time.ParseDuration(os.Getenv(clockEnv))
		o.Watch = func(e journal.Entry, written bool) {
			if address := os.Getenv(askEnv); address != "" {
				ask(address, when(written)+" "+said(e))
			}
			end(e, written)
			jump.Store(jump.Load() || e.Step == "preflight" && written && e.Event == journal.Done)
		}
		o.Now = func() time.Time {
			if jump.Load() {
				return time.Now().Add(wrong)
			}
			return time.Now()
		}
	})
	return app.With(ctx, []action.Action{act}, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
}

// said names an entry; notes, which all belong to the run, by what they say.
func said(e journal.Entry) string {
	if e.Event == journal.Note {
		return "note: " + e.Detail
	}
	return e.Step + " " + string(e.Event)
}

func when(written bool) string {
	if written {
		return "after"
	}
	return "before"
}

// ask tells the test where the run is and waits until it has done what it wants to.
func ask(address, entry string) {
	resp, err := http.PostForm(address, url.Values{"entry": {entry}})
	if err == nil {
		_ = resp.Body.Close()
	}
}

func watch(kill, list string) func(journal.Entry, bool) {
	moment, which, _ := strings.Cut(kill, " ")
	n := 0
	return func(e journal.Entry, written bool) {
		if !written {
			n++
		}
		here := which == strconv.Itoa(n) || which == e.Step+" "+string(e.Event)
		if here && when(written) == moment {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		if written && list != "" {
			f, err := os.OpenFile(list, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(f, "%s\t%s\n", e.Step, e.Event)
			_ = f.Close()
		}
	}
}
