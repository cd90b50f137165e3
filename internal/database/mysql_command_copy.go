package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/database/mysql"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// placeName is the file in the folder of a copy by command that says where the copy is. It may hold a
// password that the command printed: the folder is its user's alone, and goes with the copy.
const placeName = "copy.json"

// place is what a later process needs to remove a copy that a command made. Before there is one the
// copy is known by its name alone, which is random and was journalled before the command ran.
type place struct {
	URL      string `json:"url"`      // its marker holds the token
	Refused  bool   `json:"refused"`  // what the command printed is no copy: no command is run on it
	Dropping bool   `json:"dropping"` // its marker was seen, and the command that removes it begun
}

func (m Mark) readPlace() (p place, err error) {
	text, err := os.ReadFile(filepath.Join(m.Dir, placeName))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if json.Unmarshal(text, &p) != nil { // its error would quote it
		return p, errors.New("its note on where it is cannot be read")
	}
	return p, nil
}

func (m Mark) writePlace(p place) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	path := filepath.Join(m.Dir, placeName)
	return errors.Join(atomicfile.Write(path, text), os.Chmod(path, 0o600))
}

// scratchByCommand has a snapshot restored somewhere else, and proves that what came of it is a copy of
// its own and equal to the backup.
func (d *MySQL) scratchByCommand(ctx context.Context, m *Manifest, dir string, begun func(Mark) error) (*Scratch, error) {
	if err := d.haveCommands(); err != nil {
		return nil, err
	}
	mark, err := newScratch(dir)
	if err != nil {
		return nil, fmt.Errorf("making a folder for a throw-away copy: %w", err)
	}
	mark.Copy, mark.Snapshot = "zenml-upgrade-copy-"+strings.ToLower(rand.Text()[:20]), m.Snapshot
	if err := begun(mark); err != nil {
		return nil, errors.Join(err, mark.removeFolder())
	}
	copied, err := d.placeCopy(ctx, mark)
	if err == nil {
		err = copied.equals(ctx, m)
	}
	if err == nil { // once more: what is written on one server may come to another later
		err = d.unseen(ctx, copied, mark)
	}
	if err == nil {
		err = copied.quiet(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("restoring the snapshot %q into a throw-away copy: %w", m.Snapshot, err), d.Drop(context.WithoutCancel(ctx), mark))
	}
	return &Scratch{DB: copied, Mark: mark}, nil
}

// placeCopy has the snapshot restored and leaves the marker in what the command says came of it, after
// it has shown not to be the real database. Where it is is noted last: from then on it is removed only
// when its marker holds the token.
func (d *MySQL) placeCopy(ctx context.Context, mark Mark) (*MySQL, error) {
	hold, err := HoldFolder(mark.Dir)
	if err != nil {
		return nil, err
	}
	defer hold.Close()
	res, err := d.ask(ctx, commandRestore, mark.Snapshot, hold, "ZENML_UPGRADE_RESTORE_TO=copy", "ZENML_UPGRADE_COPY="+mark.Copy)
	if err != nil {
		return nil, err
	}
	a, err := d.addressOf(res.Answer)
	if err != nil {
		return nil, err
	}
	copied := d.copyAt(*a)
	if err := d.distinct(ctx, copied); err != nil {
		return nil, refuseCopy(mark, err)
	}
	err = copied.client.With(ctx, func(c *sql.Conn) error {
		if there, err := hasMarkerTable(ctx, c); err != nil || there {
			return errors.Join(err, errors.New("what the hook restore gave is no fresh copy: it holds a table "+mysql.MarkerTable))
		}
		return writeMarker(ctx, c, scratchMark, mark.Token)
	})
	if err != nil {
		return nil, err
	}
	if err := d.unseen(ctx, copied, mark); err != nil {
		return nil, err
	}
	return copied, mark.writePlace(place{URL: a.StoreURL()})
}

// addressOf reads where a copy answers. User, password and the options of TLS are those of the real
// database unless the address has its own. No error quotes it.
func (d *MySQL) addressOf(answer string) (*mysql.Address, error) {
	u, err := url.Parse(answer)
	if err != nil || u.Scheme != "mysql" {
		return nil, fault.Unreachable("the hook restore printed no address of a copy as its last line", nil, "have it print mysql://HOST:PORT/NAME last")
	}
	if u.User == nil {
		u.User = url.UserPassword(d.client.User, d.client.Password)
	}
	a, err := mysql.Parse("the address that the hook restore printed", u.String(), true)
	if err == nil && u.RawQuery == "" {
		a.SSLMode, a.CA, a.Cert, a.Key = d.client.SSLMode, d.client.CA, d.client.Cert, d.client.Key
	}
	return a, err
}

// errNoCopy refuses what is, or may be, the real database.
var errNoCopy = errors.New("nothing of it was changed, and what the hook made stays: look for it, and mend the hook")

// refuseCopy notes that no command may be run on what a command gave for a copy.
func refuseCopy(mark Mark, err error) error {
	if errors.Is(err, errNoCopy) {
		return errors.Join(err, mark.writePlace(place{Refused: true}))
	}
	return err
}

// distinct wants a copy not to be the real database, before anything is written to it.
func (d *MySQL) distinct(ctx context.Context, copied *MySQL) error {
	same, err := mysql.SameServer(ctx, copied.client, d.client, "zenml-upgrade."+rand.Text())
	switch {
	case err != nil:
		return fmt.Errorf("whether the hook restore gave another server than the real one is not known: %w", err)
	case same && strings.EqualFold(copied.client.Name, d.client.Name):
		return fmt.Errorf("the hook restore gave the real database for a copy; %w", errNoCopy)
	case same && d.options.Production:
		return errors.New("the hook restore gave a database on the very server that holds the real one, of an environment of kind production: have it restore to another one")
	}
	return nil
}

// unseen wants a copy's marker not to be seen in the real database, and takes it back when it is.
func (d *MySQL) unseen(ctx context.Context, copied *MySQL, mark Mark) error {
	seen := false
	err := d.client.With(ctx, func(c *sql.Conn) error {
		token, there, err := readMarker(ctx, c, scratchMark)
		seen = there && token == mark.Token
		return err
	})
	if err != nil {
		return fmt.Errorf("looking whether what is written to the copy is seen in the real database: %w", err)
	}
	if !seen {
		return nil
	}
	err = copied.client.With(ctx, func(c *sql.Conn) error { return takeMarker(ctx, c, scratchMark) })
	return refuseCopy(mark, errors.Join(fmt.Errorf("what is written to the copy that the hook restore gave is seen in the real database; %w", errNoCopy), err))
}

// dropByCommand has a copy removed: by its name when nothing was heard of it before a kill or a failure,
// else only when its marker holds the token. A folder that is gone is of a copy that is gone.
func (d *MySQL) dropByCommand(ctx context.Context, m Mark) error {
	hold, err := holdDead(ctx, m.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer hold.Close()
	p, err := m.readPlace()
	if err != nil || p.Refused {
		return err
	}
	if p.URL != "" && !p.Dropping {
		if err := d.seesMarker(ctx, p.URL, m.Token); err != nil {
			return fmt.Errorf("%w; remove the copy by hand, then the folder %q", err, m.Dir)
		}
		p.Dropping = true
		if err := m.writePlace(p); err != nil {
			return err
		}
	}
	_, err = d.ask(ctx, commandDrop, m.Snapshot, hold, "ZENML_UPGRADE_COPY="+m.Copy)
	return err
}

// seesMarker wants the marker of a copy to hold the token. A database that is gone holds nothing to lose.
func (d *MySQL) seesMarker(ctx context.Context, address, want string) error {
	a, err := mysql.Parse("the copy's address", address, true)
	if err != nil {
		return err
	}
	err = d.copyAt(*a).client.With(ctx, func(c *sql.Conn) error {
		token, there, err := readMarker(ctx, c, scratchMark)
		if err == nil && (!there || token != want) {
			err = errors.New("its marker is not the one that was written")
		}
		return err
	})
	if mysql.Number(err) == mysql.UnknownDatabase {
		return nil
	}
	return err
}
