package database

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/dbserver"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// doublings of a ZenML database's run history: 13 make 8,192 runs.
const doublings = 13

// BenchmarkServerBackupAndRestore compares backup, restore into a throw-away copy and all
// fingerprints with plain dump and restore, side by side on one server with its usual settings, by engine:
// ratio is to stay below 1.3, MB-peak (of this process) below 100.
func BenchmarkServerBackupAndRestore(b *testing.B) {
	for _, kind := range dbserver.Both {
		b.Run(kind, func(b *testing.B) {
			d, a := grown(b, kind)
			for _, engine := range []string{EngineDump, EngineMydumper} {
				b.Run(engine, func(b *testing.B) {
					d.options.Engine = engine
					for b.Loop() {
						backupAndRestore(b, d, plainWay(b, d, a))
					}
				})
			}
		})
	}
}

func backupAndRestore(b *testing.B, d *MySQL, plain time.Duration) {
	b.Helper()
	resetPeak(b)
	began := time.Now()
	m, err := d.Backup(b.Context(), b.TempDir(), Meta{Now: time.Now(), Quiescent: true})
	if err != nil {
		b.Fatal(err)
	}
	backed := time.Since(began)
	s, err := d.Scratch(b.Context(), m.Path, b.TempDir(), ignore)
	if err != nil {
		b.Fatal(err)
	}
	ours := time.Since(began)
	peak, err := machine.PeakMB(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(peak, "MB-peak")
	b.ReportMetric(backed.Seconds(), "s-backup")
	b.ReportMetric(ours.Seconds(), "s-ours")
	b.ReportMetric(plain.Seconds(), "s-plain")
	b.ReportMetric(ours.Seconds()/plain.Seconds(), "ratio")
	b.ReportMetric(float64(m.Bytes>>20), "MB-dump")
	began = time.Now()
	if _, err := d.Fingerprint(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-fingerprint")
	if err := d.Drop(b.Context(), s.Mark); err != nil {
		b.Fatal(err)
	}
}

// grown returns a real ZenML database of many runs, on a server that keeps what it is told.
func grown(b *testing.B, kind string) (*MySQL, mysql.Address) {
	b.Helper()
	a := dbserver.Durable(b, kind)
	cache := world.Need(b)
	w, err := world.Start(b.Context(), world.Options{Version: "0.85.0", CacheDir: cache, Dir: b.TempDir(), Environ: os.Environ(), StoreURL: a.StoreURL()})
	if err != nil {
		b.Fatal(err)
	}
	w.Stop()
	dbserver.Grow(b, a, doublings)
	d, err := openMySQL(a.StoreURL(), Options{Environ: dbserver.Environ(b), CacheDir: machine.Cache(b)})
	if err != nil {
		b.Fatal(err)
	}
	return d, a
}

// plainWay is what a person would type.
func plainWay(b *testing.B, d *MySQL, a mysql.Address) time.Duration {
	b.Helper()
	account := []string{"-h" + a.Host, "-P" + strconv.Itoa(a.Port), "-u" + a.User, "-p" + a.Password}
	file := filepath.Join(b.TempDir(), "plain.sql")
	dbserver.Exec(b, a, "CREATE DATABASE IF NOT EXISTS plain")
	defer dbserver.Exec(b, a, "DROP DATABASE plain")
	began := time.Now()
	run := func(program string, args ...string) {
		cmd := exec.CommandContext(b.Context(), program, append(account, args...)...)
		if program == "mariadb" {
			f, err := os.Open(file)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			cmd.Stdin = f
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%s: %v %s", program, err, out)
		}
	}
	run("mariadb-dump", "--single-transaction", "--routines", "--triggers", "--events", "--hex-blob", "--result-file="+file, d.client.Name)
	run("mariadb", "plain")
	return time.Since(began)
}

// resetPeak makes the kernel forget how much memory this process once had.
func resetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
}
