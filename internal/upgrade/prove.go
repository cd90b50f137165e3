package upgrade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// takeInventory sums up what the preflight listed, which is compared after every later step, and
// chooses the artifacts to load.
func (r *run) takeInventory(ctx context.Context) (string, error) {
	if r.client == nil {
		return "taken from the copy, for no server is at hand", nil
	}
	if err := r.takeHistory(ctx, r.client, r.DB); err != nil {
		return "", err
	}
	n := 0
	for _, p := range r.report.Inventory {
		n += p.Runs
	}
	return fmt.Sprintf("%d pipelines, %d runs", len(r.report.Inventory), n), r.sampleArtifacts(ctx, r.client)
}

// adopt takes what the old version finds in the copy for what was there before.
func (r *run) adopt(ctx context.Context, c *zenml.Client) error {
	inv, err := c.Inventory(ctx, r.copy.DB.IDs)
	if err != nil {
		return fmt.Errorf("listing what the copy holds: %w", err)
	}
	r.before = &inv
	if err := r.takeHistory(ctx, c, r.copy.DB); err != nil {
		return err
	}
	return r.sampleArtifacts(ctx, c)
}

// backup copies the database while the server goes on.
func (r *run) backup(ctx context.Context) (string, error) {
	if r.Backup != "" {
		return r.useBackup(ctx)
	}
	r.beside = map[string][]byte{}
	if r.client != nil { // else there is no server to ask
		setup, err := r.client.Setup(ctx)
		if err != nil {
			return "", fmt.Errorf("noting beside the backup how the server is set up: %w", err)
		}
		r.beside = setup
	}
	described, err := terraform(r.CodeRoot, r.Terraform)
	if err != nil {
		return "", err
	}
	maps.Copy(r.beside, described)
	began := r.Now()
	m, err := r.DB.Backup(ctx, r.BackupDir, r.meta(false))
	if err != nil {
		return "", fmt.Errorf("backing the database up: %w", err)
	}
	r.timing.backup = r.Now().Sub(began).Seconds()
	r.state.BackupPath, r.backedUp = m.Path, m
	r.report.Backup = backupOf(m)
	return fmt.Sprintf("%d kB, %s", m.Bytes>>10, m.Digest), r.judgeKeys(m.Keys)
}

// sameMeans wants the final backup to be made as the drilled one was: the drill says nothing about
// another program, which an update of the machine may have put in its place.
func sameMeans(drilled, final *database.Manifest) error {
	was := fmt.Sprintf("%s %s %q", drilled.Engine, drilled.EngineVersion, drilled.Options)
	is := fmt.Sprintf("%s %s %q", final.Engine, final.EngineVersion, final.Options)
	if was != is {
		return fmt.Errorf("the final backup was made with %s, and the one that the drill restored with %s: it is not proved that it restores; run again", is, was)
	}
	return nil
}

// useBackup takes a backup that is there already. How long the final one will take is measured on the copy.
func (r *run) useBackup(ctx context.Context) (string, error) {
	m, err := database.Verify(ctx, r.Backup)
	if err != nil {
		return "", err
	}
	r.state.BackupPath, r.report.Backup, r.backedUp = m.Path, backupOf(m), m
	return fmt.Sprintf("of %s, %d kB, %s", m.CreatedAt.Format(toTheMinute), m.Bytes>>10, m.Digest), nil
}

// measureBackup backs the copy up and throws that away.
func (r *run) measureBackup(ctx context.Context) error {
	if r.timing.backup > 0 || r.Mode == BackUp {
		return nil
	}
	dir := filepath.Join(r.StateDir, r.state.RunID, "measured")
	began := r.Now()
	_, err := r.copy.DB.Backup(ctx, dir, r.meta(true))
	r.timing.backup = r.Now().Sub(began).Seconds()
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return fmt.Errorf("measuring a backup of the copy: %w", err)
	}
	return nil
}

func (r *run) meta(quiescent bool) database.Meta {
	return database.Meta{
		ZenMLVersion: r.From, Quiescent: quiescent, Now: r.Now(), EncryptionKey: r.EncryptionKey, JWTKey: r.JWTKey, Beside: r.beside,
	}
}

func backupOf(m *database.Manifest) *Backup {
	return &Backup{Path: m.Path, Engine: m.Engine, Bytes: m.Bytes, Digest: m.Digest, Tables: m.Tables, Keys: m.Keys}
}

// drill proves the backup: it is restored into a throw-away database, its fingerprints are equal,
// the old server boots on it, the key logs in, everything is there and a secret decrypts.
func (r *run) drill(ctx context.Context) (_ string, err error) {
	began := r.Now()
	if err := r.makeCopy(ctx, r.state.BackupPath); err != nil {
		return "", err
	}
	d := &Drill{Seconds: r.Now().Sub(began).Seconds()}
	r.report.Backup.Drill = d
	if d.Switched, err = r.quieten(ctx); err != nil {
		return "", err
	}
	if err := r.measureBackup(ctx); err != nil {
		return "", err
	}
	err = r.onCopy(ctx, World{Version: r.From}, func(s Server) error {
		c, err := r.connect(ctx, s.PrivateURL(), r.From)
		if err == nil && r.client == nil {
			err = r.adopt(ctx, c)
		}
		if err != nil {
			return err
		}
		if err := errors.Join(reads(ctx, c), r.compare(ctx, c, r.copy.DB.IDs)); err != nil {
			return err
		}
		// The copy was proved equal to the backup when it was made.
		if err := r.countRows(r.report.Backup.Tables); err != nil {
			return err
		}
		if d.Secret, err = r.readSecret(ctx, c); err != nil {
			return err
		}
		if r.Mode != BackUp {
			if err := r.lookBefore(ctx, c); err != nil {
				return err
			}
		}
		if r.loadedOld, err = r.loadArtifacts(ctx, s.PrivateURL(), r.From); err != nil {
			return err
		}
		again, err := r.loadArtifacts(ctx, s.PrivateURL(), r.From)
		steady(r.loadedOld, again)
		if err != nil {
			return err
		}
		return r.tryControl(ctx, s)
	})
	d.Passed = err == nil
	if err != nil {
		return "", fmt.Errorf("the old version on the restored copy: %w", err)
	}
	if r.Vault != nil && filepath.Dir(r.backedUp.Path) == filepath.Clean(r.BackupDir) {
		if err := r.Vault.Mark(r.backedUp); err != nil {
			return "", fmt.Errorf("noting that the backup was proved: %w", err)
		}
	}
	return fmt.Sprintf("restored in %.2fs, %s boots on it, secret: %s", d.Seconds, r.From, d.Secret), nil
}

// onCopy runs use with a server of the version on the restored copy, and stops the server
// whatever happens. The server and all that use starts live in a room of their own.
func (r *run) onCopy(ctx context.Context, w World, use func(Server) error) (err error) {
	room, err := isolate.New(ctx, filepath.Join(r.StateDir, r.state.RunID))
	if err != nil {
		return err
	}
	defer func() {
		r.room = nil
		err = errors.Join(err, room.Close())
	}()
	r.room, r.report.Backup.Drill.Isolation = room, room.Kind
	w.Room = room
	if w.StoreURL, err = admit(ctx, room, r.copy.DB.StoreURL()); err != nil {
		return err
	}
	if r.APIKey == "" || r.borrowed && !r.keyed {
		old := w
		old.Version = r.From
		if r.APIKey, err = r.Account(ctx, old); err != nil {
			return fmt.Errorf("making an account in the copy: %w", err)
		}
		r.borrowed, r.keyed = true, true
	}
	began := r.Now()
	s, err := r.Driver.Load(ctx, w)
	if err != nil {
		return fmt.Errorf("loading %s: %w", w.Version, err)
	}
	r.timing.loaded = r.Now().Sub(began).Seconds()
	r.started(s)
	defer s.Stop(context.WithoutCancel(ctx))
	if w.Version == r.To { // as in the cut-over, which this predicts
		defer r.dismissClients()
		if err := r.readyClients(ctx); err != nil {
			return err
		}
	}
	began = r.Now()
	err = s.Serve(ctx)
	r.noteLate(s)
	if err != nil {
		return err
	}
	r.timing.served = r.Now().Sub(began).Seconds()
	return use(s)
}

// admit returns a database's URL as the room reaches it. One without a host is a file.
func admit(ctx context.Context, room *isolate.Room, storeURL string) (string, error) {
	if _, rest, _ := strings.Cut(storeURL, "://"); strings.HasPrefix(rest, "/") {
		return storeURL, nil
	}
	u, err := url.Parse(storeURL)
	if err != nil {
		return "", errors.New("reading the address of the throw-away database") // the cause would quote its password
	}
	u.Host, err = room.Admit(ctx, u.Host)
	return u.String(), err
}

// started notes a server's process, so that a later run can find it.
func (r *run) started(s Server) {
	r.newest = s
	child, _ := s.About()
	r.state.Children = append(r.state.Children, child)
}

// dropCopy removes the throw-away database, also one that an interrupted run left.
func (r *run) dropCopy(ctx context.Context) error {
	if r.state.Copy == nil {
		return nil
	}
	if err := r.DB.Drop(ctx, *r.state.Copy); err != nil {
		return fmt.Errorf("it holds production's data, remove it by hand: %w", err)
	}
	r.state.Copy = nil
	return nil
}
