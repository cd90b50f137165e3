package world

import (
	"os"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/machine"
	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/port"
)

// Need returns the cache folder for environments, or skips the test when it is a short run or a
// part of the machine is missing.
func Need(t testing.TB) (cacheDir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: a real ZenML server is not started in a short run")
	}
	machine.Manager(t)
	return machine.Cache(t)
}

// Of starts a world of this version on a SQLite file in a folder of the test's and stops it with the test.
func Of(t testing.TB, version string) *World {
	t.Helper()
	return On(t, version, "")
}

// On is Of on an empty database.
func On(t testing.TB, version, storeURL string) *World {
	t.Helper()
	cache := Need(t)
	w, err := Start(t.Context(), Options{Version: version, CacheDir: cache, Dir: t.TempDir(), Environ: os.Environ(), StoreURL: storeURL, Port: port.For(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}
