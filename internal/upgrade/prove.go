package upgrade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/isolate"
)

// takeInventory sums up what the preflight listed, which is compared after every later step, and
// chooses the artifacts to load.
func (r *run) takeInventory(ctx context.Context) (string, error) {
	r.report.Inventory = inventory(r.runs, r.Critical)
	return fmt.Sprintf("%d pipelines, %d runs", len(r.report.Inventory), len(r.runs)), r.sampleArtifacts(ctx)
}

// backup copies the database while the server goes on.
func (r *run) backup(ctx context.Context) (string, error) {
	var err error
	if r.beside, err = r.client.Setup(ctx); err != nil {
		return "", fmt.Errorf("noting beside the backup how the server is set up: %w", err)
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
	r.copy, err = r.DB.Scratch(ctx, r.state.BackupPath, filepath.Join(r.StateDir, r.state.RunID), func(m database.Mark) error {
		r.state.Copy = &m
		return r.note("throw-away copy begun")
	})
	if err != nil {
		return "", fmt.Errorf("restoring the backup into a throw-away database: %w", err)
	}
	d := &Drill{Seconds: r.Now().Sub(began).Seconds()}
	r.report.Backup.Drill = d
	// Before any server starts on the copy, and after it was proved equal to the backup.
	if d.Switched, err = r.copy.SwitchOff(ctx); err != nil {
		return "", fmt.Errorf("switching schedules and triggers off in the copy: %w", err)
	}
	err = r.onCopy(ctx, r.From, func(s Server) error {
		c, err := r.connect(ctx, s.PrivateURL(), r.From)
		if err != nil {
			return err
		}
		if err := errors.Join(r.reads(ctx, c), r.compare(ctx, c)); err != nil {
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
		return err
	})
	d.Passed = err == nil
	if err != nil {
		return "", fmt.Errorf("the old version on the restored copy: %w", err)
	}
	if r.Vault != nil {
		if err := r.Vault.Mark(r.backedUp); err != nil {
			return "", fmt.Errorf("noting that the backup was proved: %w", err)
		}
	}
	return fmt.Sprintf("restored in %.2fs, %s boots on it, secret: %s", d.Seconds, r.From, d.Secret), nil
}

// rehearse lets the new version migrate the restored copy and runs every check on it that the
// cut-over will run on the real database.
func (r *run) rehearse(ctx context.Context) (string, error) {
	err := r.onCopy(ctx, r.To, func(s Server) error {
		revision, err := r.copy.DB.Revision(ctx)
		if err != nil {
			return err
		}
		began := r.Now()
		if err := r.check(ctx, s.PrivateURL(), revision); err != nil {
			return err
		}
		f, err := r.copy.DB.Fingerprint(ctx)
		r.timing.check = r.Now().Sub(began).Seconds()
		if err != nil {
			return err
		}
		// Not among what was timed: the cut-over does these before or after the downtime, or not at all.
		if err := r.checkInventory(ctx, s.PrivateURL()); err != nil {
			return err
		}
		err = r.examineAll(ctx, []examination{{"stack components", func(ctx context.Context) (string, error) { return r.checkComponents(ctx, s.PrivateURL()) }}})
		return errors.Join(err, r.countRows(f.Tables))
	})
	if err != nil {
		return "", fmt.Errorf("%s on the restored copy: %w", r.To, err)
	}
	r.timing.migrate = r.timing.served
	p := r.timing.predict(!r.ByHooks)
	r.report.PredictedDowntimeSeconds = &p
	return fmt.Sprintf("migrated in %.1fs, predicted downtime %.1fs", r.timing.migrate, p), nil
}

// onCopy runs use with a server of the given version on the restored copy, and stops the server
// whatever happens. The server and all that use starts live in a room of their own.
func (r *run) onCopy(ctx context.Context, v string, use func(Server) error) (err error) {
	room, err := isolate.New(ctx, filepath.Join(r.StateDir, r.state.RunID))
	if err != nil {
		return err
	}
	defer func() {
		r.room = nil
		err = errors.Join(err, room.Close())
	}()
	r.room, r.report.Backup.Drill.Isolation = room, room.Kind
	storeURL, err := admit(ctx, room, r.copy.DB.StoreURL())
	if err != nil {
		return err
	}
	began := r.Now()
	s, err := r.Driver.Load(ctx, World{Version: v, StoreURL: storeURL, Room: room})
	if err != nil {
		return fmt.Errorf("loading %s: %w", v, err)
	}
	r.timing.loaded = r.Now().Sub(began).Seconds()
	r.started(s)
	defer s.Stop(context.WithoutCancel(ctx))
	if v == r.To { // as in the cut-over, which this predicts
		defer r.dismissClients()
		if err := r.readyClients(ctx); err != nil {
			return err
		}
	}
	began = r.Now()
	if err := s.Serve(ctx); err != nil {
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

// timing are the measured seconds from which the downtime is predicted.
type timing struct{ backup, keep, loaded, served, migrate, check float64 }

// stopSeconds is what stopping an idle server takes: uvicorn closes its port at once and ends
// within about a second (measured: shared facts on the behaviour of real servers, 3a).
const stopSeconds = 1.0

// predict sums up what lies between the old version's last answer and the new one's first. Where the
// new version waits, loaded, before the old one stops, its loading is not in it.
func (t timing) predict(waits bool) float64 {
	if waits {
		t.loaded = 0
	}
	// Hooks start the new version twice: in private, where it migrates, and in public.
	return stopSeconds + t.backup + t.keep + 2*t.loaded + t.migrate + t.check
}
