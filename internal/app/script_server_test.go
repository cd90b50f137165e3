package app

import (
	"context"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/world"
)

// server starts a real ZenML server without content and sets a variable to its address:
// server NAME VERSION.
func server(ts *testscript.TestScript, _ bool, args []string) {
	cache := os.Getenv("ZENML_UPGRADE_CACHE")
	if cache == "" {
		cache = filepath.Join(ts.Getenv("ROOT"), ".cache")
	}
	w, err := world.Start(context.Background(), world.Options{Version: args[1], CacheDir: cache, Dir: ts.MkAbs("cache/server"), Environ: os.Environ(), Empty: true})
	ts.Check(err)
	ts.Defer(w.Stop)
	ts.Setenv(args[0], w.URL)
}
