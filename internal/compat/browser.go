package compat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

const (
	browserTimeout = 8 * time.Minute // of a busy machine; a page that hangs is meant
	phaseTimeout   = 3 * time.Minute
	maxConsole     = 5 // complaints named
)

// drawn holds when a page shows a word and the picture of the run's steps is made.
const drawn = `document.body.innerText.includes(%q) && !document.body.innerText.includes("Calculating DAG Visualization")`

// browsers are the programs that are looked for, on PATH.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// findBrowser returns the path of a browser, "" when there is none.
func findBrowser(environ []string) string {
	for _, dir := range filepath.SplitList(proc.Getenv(environ, "PATH")) {
		for _, name := range browsers {
			if path := filepath.Join(dir, name); filepath.IsAbs(path) && proc.Exists(path) {
				return path
			}
		}
	}
	return ""
}

// startBrowser starts a headless browser with a profile of its own, which reaches this machine
// alone, and returns the address at which it is steered.
func startBrowser(ctx context.Context, path, profile string, environ []string) (*proc.Process, string, error) {
	// An earlier browser left there where it was steered.
	if err := errors.Join(os.RemoveAll(profile), os.MkdirAll(profile, 0o700)); err != nil {
		return nil, "", fmt.Errorf("making a profile for the browser: %w", err)
	}
	args := []string{
		"--headless=new", "--remote-debugging-port=0", "--user-data-dir=" + profile, "--no-first-run", "--disable-gpu", "--no-sandbox",
		"--disable-dev-shm-usage", "--disable-background-networking", "--window-size=1400,1000",
		// The pages' moving backgrounds cost minutes where a processor has to draw them.
		"--disable-3d-apis", "--force-prefers-reduced-motion",
		"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "about:blank",
	}
	p, err := proc.Start(ctx, proc.Command{Path: path, Args: args, Dir: profile, Env: proc.BaseEnv(environ, "HOME="+profile, "TMPDIR="+profile)}, nil)
	if err != nil {
		return nil, "", err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		// Two lines: the port, and the path of the socket.
		text, _ := os.ReadFile(filepath.Join(profile, "DevToolsActivePort"))
		if port, socket, ok := strings.Cut(strings.TrimSpace(string(text)), "\n"); ok {
			return p, "ws://127.0.0.1:" + port + socket, nil
		}
		select {
		case <-p.Done():
			return nil, "", fmt.Errorf("the browser ended with status %d: %s", p.ExitCode(), p.Tail())
		case <-ctx.Done():
			p.Kill()
			return nil, "", context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// openTab starts a browser with one tab, in which is heard what the pages of a server complain of. stop
// ends both; it is there also beside an error.
func openTab(ctx context.Context, path, profile, server string, environ []string) (tab context.Context, heard *complaints, stop func(), err error) {
	process, socket, err := startBrowser(ctx, path, profile, environ)
	if err != nil {
		return nil, nil, func() {}, err
	}
	remote, release := chromedp.NewRemoteAllocator(ctx, socket, chromedp.NoModifyURL)
	tab, done := chromedp.NewContext(remote)
	stop = func() { done(); release(); process.Kill() }
	heard = &complaints{server: server}
	chromedp.ListenTarget(tab, heard.listen)
	if err := chromedp.Run(tab, log.Enable()); err != nil { // opens the tab, which lives as long as its first context
		return nil, nil, stop, fmt.Errorf("opening a tab of the browser: %w", err)
	}
	return tab, heard, stop, nil
}

// openDashboard logs in as a user does, opens a page and waits until it holds a word. It returns a
// picture of the page, also beside an error. What the page's scripts complain of is an error.
func (w *world) openDashboard(ctx context.Context, browser, page, word string) (png []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, browserTimeout)
	defer cancel()
	url := w.server.PrivateURL()
	tab, heard, stop, err := openTab(ctx, browser, filepath.Join(w.dir, "browser"), url, w.environ)
	defer stop()
	if err != nil {
		return nil, err
	}
	phase := func(what string, actions ...chromedp.Action) error {
		limited, cancel := context.WithTimeout(tab, phaseTimeout)
		defer cancel()
		err := chromedp.Run(limited, actions...)
		_ = chromedp.Run(tab, chromedp.CaptureScreenshot(&png)) // a picture of the failure, too
		if err != nil {
			return fmt.Errorf("%s: %w", what, errors.Join(err, heard.err()))
		}
		return nil
	}
	until := func(holds string) chromedp.Action {
		return chromedp.Poll(holds, nil, chromedp.WithPollingInterval(100*time.Millisecond), chromedp.WithPollingTimeout(phaseTimeout))
	}
	err = phase("logging in to the dashboard",
		chromedp.Navigate(url+"/login"),
		chromedp.WaitVisible(`input[name="username"]`, chromedp.ByQuery),
		chromedp.SendKeys(`input[name="username"]`, "default", chromedp.ByQuery),
		chromedp.SendKeys(`input[name="password"]`, w.password+kb.Enter, chromedp.ByQuery),
		until(`!location.pathname.startsWith("/login")`),
	)
	if err != nil {
		return png, err
	}
	err = phase("opening the page of a run", chromedp.Navigate(url+page), until(fmt.Sprintf(drawn, word)))
	if err != nil {
		return png, err
	}
	return png, heard.err()
}

// complaints are what the scripts of a server's pages raised or could not load from it.
type complaints struct {
	server string
	mu     sync.Mutex
	texts  []string
}

func (c *complaints) listen(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError {
			text = said(e.Args)
		}
	case *log.EventEntryAdded:
		// Pictures from elsewhere are not reached here; a policy that blocks a font is no defect.
		if e.Entry.Level == log.LevelError && e.Entry.Source != log.SourceSecurity && strings.HasPrefix(e.Entry.URL, c.server) {
			text = e.Entry.Text + " " + strings.TrimPrefix(e.Entry.URL, c.server)
		}
	}
	if text == "" || strings.Contains(text, "WebGL") { // which we turned off
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, text)
}

// said is what a script wrote to the console: the texts among the values that it gave.
func said(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		var text string
		if json.Unmarshal(a.Value, &text) != nil {
			text = a.Description
		}
		if text != "" {
			words = append(words, text)
		}
	}
	return strings.Join(words, " ")
}

func (c *complaints) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.texts) == 0 {
		return nil
	}
	return fmt.Errorf("the page's scripts complain: %s", strings.Join(c.texts[:min(maxConsole, len(c.texts))], "; "))
}
