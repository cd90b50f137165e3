package driver

import (
	"context"
	"fmt"
	"sync"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/upgrade"
)

// hooked is the new server of the real database, which hooks start and stop.
type hooked struct {
	driver  *Command
	version string
	port    int // from Serve on

	mu     sync.Mutex
	asked  bool // start-private was run
	opened bool // start was run
	failed error
}

// Serve starts the version on the private address, where it migrates the database.
func (h *hooked) Serve(ctx context.Context) error {
	// Chosen right before it is used: until something listens on it anybody may get it.
	var err error
	if h.port, err = proc.FreePort(ctx); err != nil {
		return fmt.Errorf("choosing a private port: %w", err)
	}
	h.note(func() { h.asked = true })
	_, err = h.driver.Hooks.run(ctx, HookStartPrivate, h.version, addressOf(private),
		"ZENML_UPGRADE_PRIVATE_URL="+h.PrivateURL(), fmt.Sprintf("ZENML_UPGRADE_PRIVATE_PORT=%d", h.port))
	if err != nil {
		return err
	}
	return answers(ctx, h.PrivateURL(), h.version)
}

// PrivateURL is an address of this machine alone.
func (h *hooked) PrivateURL() string { return fmt.Sprintf("http://127.0.0.1:%d", h.port) }

// Open starts the version on the public address and, when it answers, stops the private server.
// For that time two servers of one version are on the migrated database, as two replicas are.
func (h *hooked) Open(ctx context.Context) error {
	h.note(func() { h.opened = true })
	if _, err := h.driver.Hooks.run(ctx, HookStart, h.version, addressOf(public)); err != nil {
		return err
	}
	if err := answers(ctx, h.driver.Hooks.PublicURL, h.version); err != nil {
		return err
	}
	return h.driver.stop(ctx, private, h.version)
}

// Stop stops what was started on either address. That a hook failed is told by About; a restore
// does not begin while anybody is connected to the database.
func (h *hooked) Stop(ctx context.Context) {
	h.mu.Lock()
	asked, opened := h.asked, h.opened
	h.mu.Unlock()
	var err error
	if opened {
		err = h.driver.stop(ctx, public, h.version)
	}
	if asked && err == nil {
		err = h.driver.stop(ctx, private, h.version)
	}
	h.note(func() { h.failed = err })
}

// About names the server for a later run; its log is where the hooks put it.
func (h *hooked) About() (upgrade.Child, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	log := "the server was started by hooks: its log is kept by what runs it"
	if h.failed != nil {
		log = "stopping it failed: " + h.failed.Error()
	}
	return upgrade.Child{What: "ZenML " + h.version, Hook: HookStartPrivate}, log
}

func (h *hooked) note(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}
