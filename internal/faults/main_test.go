package faults

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

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
)

func TestMain(m *testing.M) {
	if os.Getenv(standin.ProgramEnv) != "" {
		os.Exit(program())
	}
	standin.Main()
	os.Exit(test(m))
}

func test(m *testing.M) int {
	var err error
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
	act := stagingupgrade.New(func(o *upgrade.Options) { o.Watch = watch(os.Getenv(killEnv), os.Getenv(entriesEnv)) })
	return app.With(ctx, []action.Action{act}, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
}

func watch(kill, list string) func(journal.Entry, bool) {
	when, which, _ := strings.Cut(kill, " ")
	n := 0
	return func(e journal.Entry, written bool) {
		if !written {
			n++
		}
		here := which == strconv.Itoa(n) || which == e.Step+" "+string(e.Event)
		if here && written == (when == "after") {
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
