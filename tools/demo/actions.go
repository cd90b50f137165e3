package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/sabotage"
)

// step is one action with the end that it is made to have.
type step struct {
	name   string
	args   []string
	want   end
	got    end
	result result
	out    string // folder of its reports
}

// end is what a run says last.
type end struct {
	word string // decision, for staging-upgrade the outcome
	exit int
}

// result is what the demo reads of a result.json.
type result struct {
	Decision  string   `json:"decision"`
	Outcome   string   `json:"outcome"`
	Seconds   float64  `json:"seconds"`
	Downtime  *float64 `json:"downtime_seconds"`
	Predicted *float64 `json:"predicted_downtime_seconds"`
	Content   *struct {
		Before string  `json:"before"`
		After  *string `json:"after"`
	} `json:"content"`
	Failure *struct {
		Step    string `json:"step"`
		Message string `json:"message"`
	} `json:"failure"`
}

// plan lists the actions and their expected ends: the example's script uses two calls that the new
// version lacks, so release-check must block; its pipelines run on both versions, so compat-test
// and the upgrade must succeed.
func (d *demo) plan() []*step {
	upgrade := &step{name: "staging-upgrade", want: end{"upgraded", 0}, args: []string{
		"--mode", "upgrade", "--environment", "staging", "--from", from, "--to", to,
		"--backup-dir", filepath.Join(d.dir, "backups"), "--artifact-root", d.world.StoresPath, "--max-downtime", "5m",
	}}
	if d.fail {
		upgrade.want = end{"rolled_back", 4}
		return []*step{upgrade}
	}
	notes := []string{}
	if path := filepath.Join(d.root, "..", "shared", "data", "releases", "changelog.json"); exists(path) {
		notes = []string{"--releases", path}
	}
	return []*step{
		{name: "release-check", want: end{"block", 1}, args: append([]string{"--from", from, "--to", to}, notes...)},
		{name: "compat-test", want: end{"review", 0}, args: []string{"--from", from, "--to", to}},
		upgrade,
	}
}

// actions runs them one after the other, each as a person would on a terminal.
func (d *demo) actions(ctx context.Context) error {
	d.steps = d.plan()
	for _, s := range d.steps {
		fmt.Printf("\n== %s (made to end with %s)\n", s.name, s.want.word)
		if err := d.act(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) act(ctx context.Context, s *step) error {
	s.out = filepath.Join(d.dir, "out", s.name)
	args := append([]string{s.name, "--repository-path", d.repo, "--config", d.config, "--output-dir", s.out}, s.args...)
	cmd := exec.CommandContext(ctx, filepath.Join(d.root, "bin", "zenml-upgrade"), args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = slices.Clone(d.environ)
	if s.name == "staging-upgrade" { // the others are given no server to ask
		cmd.Env = append(cmd.Env, "ZENML_UPGRADE_SERVER_TOKEN="+d.world.APIKey, "ZENML_UPGRADE_DATABASE_URL="+d.world.StoreURL)
	}
	// An interrupt must reach the action as one: it has things to put back.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 3 * time.Minute
	var saboteur <-chan error
	if d.fail {
		saboteur = sabotage.Migration(ctx, filepath.Join(d.dir, "backups", "state"), d.world.StoreURL, from, func(pid int) int { return pid })
	}
	err := cmd.Run()
	if saboteur != nil {
		if err := <-saboteur; err != nil {
			return fmt.Errorf("making the new server fail: %w", err)
		}
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("running %s: %w", s.name, err)
	}
	s.got.exit = cmd.ProcessState.ExitCode()
	b, err := os.ReadFile(filepath.Join(s.out, "result.json"))
	if err != nil {
		return fmt.Errorf("reading the result of %s: %w", s.name, err)
	}
	if err := json.Unmarshal(b, &s.result); err != nil {
		return fmt.Errorf("reading the result of %s: %w", s.name, err)
	}
	s.got.word = s.result.Decision
	if s.result.Outcome != "" {
		s.got.word = s.result.Outcome
	}
	return nil
}

// summary prints expected and got, and fails when they differ.
func (d *demo) summary(took time.Duration) error {
	fmt.Printf("\n%-16s  %-20s  %-20s  %s\n", "action", "expected", "got", "seconds")
	wrong := 0
	for _, s := range d.steps {
		mark := ""
		if s.got != s.want {
			mark, wrong = "  <- differs", wrong+1
		}
		fmt.Printf("%-16s  %-20s  %-20s  %7.1f%s\n", s.name, s.want, s.got, s.result.Seconds, mark)
	}
	last := d.steps[len(d.steps)-1]
	fmt.Println()
	if f := last.result.Failure; f != nil {
		fmt.Printf("failed at:        %s\n", f.Step)
	}
	fmt.Printf("downtime:         %s measured from outside, %s predicted by the rehearsal\n", seconds(last.result.Downtime), seconds(last.result.Predicted))
	if c := last.result.Content; d.fail && c != nil {
		after := "not restored"
		if c.After != nil {
			after = *c.After
		}
		fmt.Printf("content before:   %s\ncontent after:    %s\n", c.Before, after)
		if after != c.Before {
			wrong++
		}
	}
	fmt.Printf("whole demo:       %.0f s\n\nfiles to open:\n", took.Seconds())
	for _, s := range d.steps {
		fmt.Println("  " + relative(d.root, filepath.Join(s.out, "report.html")))
	}
	for _, name := range []string{"result.json", "journal.jsonl"} {
		if d.fail {
			fmt.Println("  " + relative(d.root, filepath.Join(last.out, name)))
		}
	}
	if wrong > 0 {
		return errors.New("an action did not end as expected")
	}
	return nil
}

func (e end) String() string { return fmt.Sprintf("%s, exit %d", e.word, e.exit) }

func seconds(v *float64) string {
	if v == nil {
		return "not"
	}
	return fmt.Sprintf("%.1f s", *v)
}

func relative(root, path string) string {
	if rel, err := filepath.Rel(root, path); err == nil {
		return rel
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
