package compat

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
)

// BenchmarkBothWorlds tests with the whole built-in suite and compares with the plain way in the same run:
// an environment by pip for each version, a server each, and the same checks by the same scripts, one
// after the other. The goal is 0.6 of its time, and 4 GB for all processes together.
func BenchmarkBothWorlds(b *testing.B) {
	o := Options{
		From: "0.85.0", To: "0.98.0", Python: "3.11", Environ: os.Environ(), Suite: Groups, Artifacts: Selection{-1},
		Repo: files.Dir(b, map[string]string{"requirements.txt": "zenml[server]==0.85.0\n"}),
	}
	uv := machine.Manager(b)
	for b.Loop() {
		fresh := *uv
		// Nothing was installed nor fetched before: neither by uv nor by pip.
		fresh.Dir, fresh.Env = b.TempDir(), append(slices.Clone(uv.Env), "UV_CACHE_DIR="+b.TempDir())
		o.Pyenv = &fresh
		peak := watchMemory(b)
		begin := time.Now()
		res, err := Run(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		ours, most := time.Since(begin), peak.Load()
		plain, pip := plainWay(b, o, b.TempDir())
		for _, c := range res.Checks {
			if c.Verdict != OK && c.Verdict != NotCompared { // what a throw-away world does not have costs neither way anything
				b.Errorf("%s: %s %q", c.Name, c.Verdict, value(c.Cause))
			}
		}
		again := time.Now() // the environments are there
		if _, err := Run(b.Context(), o); err != nil {
			b.Fatal(err)
		}
		warm := time.Since(again)
		ratio, mib := ours.Seconds()/plain.Seconds(), float64(most)/(1<<20)
		b.ReportMetric(ours.Seconds(), "ours-s")
		b.ReportMetric(plain.Seconds(), "plain-s")
		b.ReportMetric(ratio, "ratio")
		b.ReportMetric(warm.Seconds()/(plain-pip).Seconds(), "ratio-installed")
		b.ReportMetric(mib, "peak-MiB")
		b.Logf("ours %.1f s, with environments there %.1f s; plain %.1f s, of which pip %.1f s; %.0f MiB; %s", ours.Seconds(), warm.Seconds(), plain.Seconds(), pip.Seconds(), mib, res.Machine)
		if ratio > 0.6 || mib > 4<<10 {
			b.Errorf("the goal is a ratio of 0.6 and 4096 MiB: %.2f, %.0f MiB", ratio, mib)
		}
	}
}

// plainWay does the same by hand; pip keeps what it fetches below cache. What pip compiles serves its
// servers alone: clients compile once for each version, as ours do, which costs it some 2 s each.
func plainWay(b *testing.B, o Options, cache string) (all, pip time.Duration) {
	b.Helper()
	begin, ctx := time.Now(), b.Context()
	t, err := newTest(o, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	close(t.visited)
	checks := suiteChecks(o.Suite, project{packages: t.packages(), parts: t.parts, integrations: o.Integrations})
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, w := range []*world{t.old, t.new} {
		install := time.Now()
		w.client = pipEnv(b, o, t.needs.Client(w.version), cache)
		pip += time.Since(install)
		must(w.build(o.Repo))
		if w == t.new {
			must(database.Snapshot(ctx, t.old.database(), w.database()))
			t.control, err = t.old.visit(ctx, t.old)
			must(err)
		}
		w.server, err = server.Start(ctx, w.serverConfig(w.client))
		must(err)
		defer w.stop(context.WithoutCancel(ctx))
		must(w.login(ctx))
		done := w.runSuite(ctx, checks, t.oldResult.passed()) // one call: a person would write one script too
		for name, at := range w.runDashboard(ctx).by {
			done.set(name, at)
		}
		for name, at := range done.by {
			if at.Status == Failed {
				b.Errorf("the plain way: %s: %q", name, value(at.Detail))
			}
		}
		if w == t.old {
			t.oldResult = done
			must(t.loadOld(ctx))
		}
	}
	t.loadNew(ctx)
	t.early, err = t.new.visit(ctx, t.old)
	must(err)
	t.visitNew(ctx)
	return time.Since(begin), pip
}

func pipEnv(b *testing.B, o Options, requirements []string, cache string) *pyenv.Env {
	b.Helper()
	base, err := o.Pyenv.Ensure(b.Context(), pyenv.Spec{Python: o.Python, Requirements: []string{"pip"}, NoDeps: true})
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	env := &pyenv.Env{Dir: dir, Python: filepath.Join(dir, "bin", "python")}
	list := filepath.Join(b.TempDir(), "requirements.txt")
	if err := os.WriteFile(list, []byte(strings.Join(requirements, "\n")+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, args := range [][]string{{base.Python, "-m", "venv", dir}, {env.Python, "-m", "pip", "install", "--quiet", "-r", list}} {
		cmd := exec.CommandContext(b.Context(), args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "PIP_CACHE_DIR="+cache)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	return env
}
