package app

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

var update = flag.Bool("update", false, "write what cmp compares with anew")

func TestMain(m *testing.M) {
	start := func(known func() []action.Action) func() {
		return func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := dispatch(ctx, known(), process{args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr})
			stop()
			os.Exit(code)
		}
	}
	testscript.Main(m, map[string]func(){
		"zenml-upgrade": start(Actions),
		"probe":         start(func() []action.Action { return []action.Action{&probe{}} }),
	})
}

// Stories of the command line, then those of each action.
func TestScript(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob(filepath.Join("..", "..", "actions", "*", "testdata", "script"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("zenml-upgrade")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range append([]string{filepath.Join("testdata", "script")}, dirs...) {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(dir))), func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir: dir, RequireExplicitExec: true, RequireUniqueNames: true, UpdateScripts: *update,
				Setup: func(e *testscript.Env) error {
					e.Setenv("HOME", e.WorkDir)
					e.Setenv("ROOT", root)
					e.Setenv("PROGRAM", program)
					e.Setenv("TOOLPATH", e.Getenv("PATH"))
					e.Values[treeKey{}] = map[string]string{}
					e.Values[githubKey{}] = &fakeGitHub{t: t}
					for _, key := range []string{"ZENML_UPGRADE_CACHE"} {
						if v := os.Getenv(key); v != "" {
							e.Setenv(key, v)
						}
					}
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"status": status, "waitfor": waitfor, "remember": remember, "unchanged": unchanged, "tools": tools, "sqlite": sqlite,
					"github": fake, "issue": issue, "git": git, "commit": commit, "head": head, "server": server, "event": event,
				},
			})
		})
	}
}

// status runs a command and wants an exit status: status 2 probe act --to 1.
func status(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status is %d, want %s", got, args[0])
	}
}

// waitfor waits until a file is there.
func waitfor(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not appear", args[0])
}

// probe is an action that ends in every way an action can end, as its input end says.
type probe struct {
	in struct {
		action.Common
		To       string `help:"Version to upgrade to." required:"true" placeholder:"VERSION"`
		End      string `help:"How to end." default:"pass"`
		Count    string `help:"A number." default:"1"`
		APIToken string `name:"api-token" help:"A key." secret:"true" placeholder:"KEY"`
		DBURL    string `name:"db-url" help:"An address." secret:"true" placeholder:"URL"`
	}
}

type probeResult struct {
	report.Common
	Outcome string      `json:"outcome"`
	Key     string      `json:"key"`
	Code    []probeCode `json:"code"`
}

type probeCode struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

func (r *probeResult) OutcomeWord() string { return r.Outcome }

func (r *probeResult) Document() report.Document {
	return report.Document{
		Title: "act", Decision: r.Decision, Headline: "Ended as asked, key " + r.Key, Reasons: r.Reasons,
		Sections: []report.Section{{Title: "Key", Blocks: []report.Block{report.Para{Text: report.C(r.Key)}}}},
	}
}

func (r *probeResult) Annotations() []action.Annotation {
	var out []action.Annotation
	for _, c := range r.Code {
		out = append(out, action.Annotation{Failure: r.Decision == verdict.Block, File: c.File, Line: c.Line, Title: c.Rule, Message: c.Message})
	}
	return out
}

func (r *probeResult) Files() (map[string][]byte, error) {
	return map[string][]byte{"more.txt": []byte("key " + r.Key + "\n")}, nil
}

func (p *probe) Name() string { return "act" }

func (p *probe) Help() string { return "Ends as it is told.\n\nExamples:\n  probe act --to 1" }

func (p *probe) Inputs() any { return &p.in }

func (p *probe) Check(context.Context, *action.Runtime) error {
	if p.in.Count != "1" {
		return fault.BadInput("count \""+p.in.Count+"\" is not 1", "give 1")
	}
	return nil
}

func (p *probe) Run(ctx context.Context, rt *action.Runtime) (action.Result, error) {
	step := rt.Progress.Start("working")
	defer step.Done("key " + p.in.APIToken)
	res := &probeResult{Key: p.in.APIToken, Code: []probeCode{{File: "a,b.py", Line: 3, Rule: "r", Message: "gone\n::error::x"}}}
	res.Reasons = []verdict.Reason{{Code: "asked", Text: "as asked", Decision: verdict.Decision(p.in.End)}}
	switch p.in.End {
	case "pass", "review", "unknown", "block":
		res.Decide("fine")
		return res, nil
	case "unreachable":
		return nil, fault.Unreachable("the server does not answer", errors.New("refused\n::set-output name=decision::pass ##[x]"), "start it")
	case "passed-with-error":
		res.Decision = verdict.Pass
		return res, errors.New("a late error")
	case "unknown-with-error", "block-with-error":
		res.Decision = verdict.Decision(strings.TrimSuffix(p.in.End, "-with-error"))
		return res, errors.New("a server is gone")
	case "no-words":
		res.Decision = "fine"
		return res, nil
	case "nil":
		var none *probeResult
		return none, nil
	case "panic":
		panic("key " + p.in.APIToken)
	case "wait":
		rt.Progress.Print("waiting")
		<-ctx.Done()
		return nil, ctx.Err()
	}
	res.Outcome = p.in.End
	res.Decision = verdict.Block
	return res, nil
}
