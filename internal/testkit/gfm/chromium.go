package gfm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// browser is how Debian names it and others do.
func browser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Screenshot draws a page width pixels wide into file, a PNG. The test is skipped where there is no
// Chromium.
func Screenshot(tb testing.TB, page, file string, width, height int) {
	tb.Helper()
	path := browser()
	if path == "" {
		tb.Skip("skipped: chromium is missing (sh tools/packages.sh chromium installs it as root on Debian)")
	}
	dir := tb.TempDir()
	source := filepath.Join(dir, "page.html")
	if err := os.WriteFile(source, []byte(page), 0o600); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--disable-background-networking",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--force-color-profile=srgb", fmt.Sprintf("--window-size=%d,%d", width, height), "--screenshot="+file, "file://"+source)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("drawing with %s: %v\n%s", path, err, out)
	}
}
