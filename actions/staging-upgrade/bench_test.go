package stagingupgrade

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/server"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// BenchmarkDowntime upgrades a server with 8,192 runs twice on one database server with its usual
// settings: ours, and right after it the plain way (stop the old server, start the new one with ZenML's
// defaults) on a copy that was made before. Downtimes are seen from outside, ours without the smoke
// pipeline: with smoke private its seconds are taken off, with smoke public it runs after the opening.
// Wanted: of-plain at most 0.45, of-parts (migration, final dump and fingerprints) at most 1.25, predicted
// within 20 % of measured.
func BenchmarkDowntime(b *testing.B) {
	for _, kind := range dbserver.Both {
		for _, smoke := range []string{"private", "public"} {
			b.Run(kind+"/smoke-"+smoke, func(b *testing.B) {
				a := dbserver.Durable(b, kind)
				s := newSiteOn(b, a.StoreURL())
				writeConfig(b, s.repo, s.config+"    smoke: "+smoke+"\n")
				dbserver.Grow(b, a, 13)
				for b.Loop() {
					s.measureDowntime(b, a, smoke)
				}
			})
		}
	}
}

func (s *site) measureDowntime(b *testing.B, a mysql.Address, smoke string) {
	b.Helper()
	s.copyForPlain(b, a)
	res, err := s.act(b, s.inputs(upgrade.Upgrade))
	if err != nil || res.Outcome != upgrade.Upgraded {
		dump(b, res)
		b.Fatalf("upgrade: %v", err)
	}
	plain, ours := s.plainWay(b, a), *res.DowntimeSeconds
	if smoke == "private" {
		ours -= *res.SmokeSeconds
	}
	parts := *res.MigrationSeconds + seconds0(res, "final backup") + fingerprintSeconds(b, a)
	b.ReportMetric(ours, "s-ours")
	b.ReportMetric(plain, "s-plain")
	b.ReportMetric(ours/plain, "of-plain")
	b.ReportMetric(ours/parts, "of-parts")
	b.ReportMetric(*res.PredictedDowntimeSeconds / *res.DowntimeSeconds, "predicted-of-measured")
	b.ReportMetric(*res.MigrationSeconds, "s-migration")
	b.ReportMetric(*res.SmokeSeconds, "s-smoke")
	for _, c := range res.Checks {
		b.Logf("%s %s: %.1f s", c.Server, c.Name, c.Seconds)
	}
	for _, st := range res.Steps {
		b.Logf("step %s: %.1f s", st.Name, st.Seconds)
	}
}

// historyDoublings make 65,536 runs of one.
const historyDoublings = 16

// BenchmarkMemory rehearses an upgrade of a server with a long history by the program as users run it.
// Its memory is to stay below 100 MB whatever the database's size.
func BenchmarkMemory(b *testing.B) {
	a := dbserver.Durable(b, dbserver.MariaDB)
	s := newSiteOn(b, a.StoreURL())
	dbserver.Grow(b, a, historyDoublings)
	path := binary(b)
	for b.Loop() {
		cmd, told := s.program(b, path, upgrade.Rehearse)
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		watched := watchPeak(cmd.Process.Pid)
		if err := cmd.Wait(); err != nil {
			b.Fatalf("rehearse: %v\n%s", err, told)
		}
		peak := <-watched
		b.Logf("%s", told)
		b.ReportMetric(peak, "MB-peak")
		if peak >= 100 {
			b.Errorf("the program's memory reached %.0f MB, 100 are allowed", peak)
		}
	}
}

// watchPeak tells the most memory that a process held, in MiB, when it has ended. What it took in its last
// 50 ms is missed.
func watchPeak(pid int) <-chan float64 {
	out := make(chan float64, 1)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for most := 0.0; ; <-tick.C {
			now, err := machine.PeakMB(pid)
			if err != nil {
				out <- most
				return
			}
			most = now
		}
	}()
	return out
}

func seconds0(res *Result, step string) float64 {
	for _, s := range res.Steps {
		if s.Name == step {
			return s.Seconds
		}
	}
	return 0
}

func fingerprintSeconds(b *testing.B, a mysql.Address) float64 {
	b.Helper()
	db, err := database.Open(a.StoreURL(), database.Options{Environ: dbserver.Environ(b), CacheDir: world.Need(b)})
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if _, err := db.Fingerprint(b.Context()); err != nil {
		b.Fatal(err)
	}
	return time.Since(began).Seconds()
}

// plainDatabase is a copy of the site's database, on the same server.
const plainDatabase = "plain"

func (s *site) copyForPlain(b *testing.B, a mysql.Address) {
	b.Helper()
	account := []string{"-h" + a.Host, "-P" + strconv.Itoa(a.Port), "-u" + a.User, "-p" + a.Password}
	dbserver.Exec(b, a, "CREATE DATABASE "+plainDatabase+" CHARACTER SET utf8mb4")
	file := filepath.Join(b.TempDir(), "plain.sql")
	for _, args := range [][]string{
		append([]string{"mariadb-dump"}, append(account, "--single-transaction", "--hex-blob", "--result-file="+file, a.Name)...),
		append([]string{"mariadb"}, append(account, plainDatabase, "-e", "source "+file)...),
	} {
		if out, err := exec.CommandContext(b.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			b.Fatalf("%s: %v %s", args[0], err, out)
		}
	}
}

// plainWay upgrades the copy as a person would, and returns the downtime in seconds.
func (s *site) plainWay(b *testing.B, a mysql.Address) float64 {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	next, err := world.Interpreter(b.Context(), os.Environ(), s.cache, "0.98.0", "")
	if err != nil {
		b.Fatal(err)
	}
	probe := server.Watch("http://" + address)
	defer probe.Stop()
	old := s.serve(b, s.Python, a.On(plainDatabase), address)
	awaitTrue(b, probe.Answered)
	if err := old.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	_ = old.Wait() // its status is that of the signal
	s.serve(b, next, a.On(plainDatabase), address)
	var seconds float64
	awaitTrue(b, func() (ok bool) { seconds, ok = probe.Downtime(); return ok })
	return seconds
}

// serve starts a server as ZenML's own command does; the benchmark's end kills it.
func (s *site) serve(b *testing.B, python string, a mysql.Address, address string) *exec.Cmd {
	b.Helper()
	settings, err := server.ReadEnvFile(s.EnvFile)
	if err != nil {
		b.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), python, "-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", host, "--port", port)
	cmd.Env = append(append(os.Environ(), settings...), "ZENML_STORE_URL="+a.StoreURL(), "ZENML_CONFIG_PATH="+b.TempDir())
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	return cmd
}

func awaitTrue(b *testing.B, holds func() bool) {
	b.Helper()
	for end := time.Now().Add(5 * time.Minute); !holds(); {
		if time.Now().After(end) {
			b.Fatal("the server did not answer")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
