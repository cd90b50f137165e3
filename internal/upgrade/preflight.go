package upgrade

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zenml-upgrade/zenml-upgrade/internal/database"
	"github.com/zenml-upgrade/zenml-upgrade/internal/hops"
	"github.com/zenml-upgrade/zenml-upgrade/internal/version"
	"github.com/zenml-upgrade/zenml-upgrade/internal/zenml"
)

// problems gathers what stands against an upgrade; all of it is told at once.
type problems []Problem

func (p *problems) block(code, what, remedy string) {
	*p = append(*p, Problem{Code: code, What: what, Remedy: remedy, Blocks: true})
}

func (p *problems) review(code, what, remedy string) {
	*p = append(*p, Problem{Code: code, What: what, Remedy: remedy})
}

// blocking returns the problems that stop an upgrade.
func (p problems) blocking() []Problem {
	var out []Problem
	for _, x := range p {
		if x.Blocks {
			out = append(out, x)
		}
	}
	return out
}

// preflight refuses when anything stands against the upgrade.
func (r *run) preflight(ctx context.Context) (string, error) {
	r.examine(ctx)
	if n := len(problems(r.report.Problems).blocking()); n > 0 {
		return "", fmt.Errorf("%d %w", n, errBlocked)
	}
	return fmt.Sprintf("%d things to review", len(r.report.Problems)), nil
}

// examine looks at everything the upgrade needs and changes nothing. What needs the server is left
// out when the server was not reached: the caller reports that itself.
func (r *run) examine(ctx context.Context) {
	p := problems(slices.Concat(r.report.Problems, r.Found))
	r.checkVersions(ctx, &p)
	r.checkWay(&p)
	if r.client != nil {
		r.checkServer(ctx, &p)
	}
	r.checkRunning(ctx, &p)
	r.checkFolders(&p)
	r.checkRehearsed(ctx, &p)
	r.checkSpace(ctx, &p)
	for _, f := range r.DB.Check(ctx) {
		p = append(p, Problem(f))
	}
	if r.PublicURL != "" {
		p = append(p, r.Driver.Check(ctx)...)
	}
	if err := r.judgeWindow(0); err != nil {
		p.block("outside_window", err.Error(), windowRemedy)
	}
	if r.ArtifactRoot == "" {
		p.review("artifacts_not_checked", "no artifact-root was given: no artifact will be loaded by the old and the new version",
			"give the folder below which the local artifact stores lie (ZENML_LOCAL_STORES_PATH)")
	}
	if r.ByHooks && r.client != nil {
		r.checkDatabase(ctx, &p)
	}
	r.report.Problems = p
	r.judgeGates(ctx)
}

// keyTable holds when a key logged in last: ZenML writes it at every log-in (0.55 to 0.98).
const keyTable = "api_key"

// pastRounding is a little longer than the second to which log-ins are rounded.
const pastRounding = 1100 * time.Millisecond

// checkDatabase wants a proof that the server uses this very database: a log-in must leave its mark
// in it. A copy of it, or another one of the same content, would pass every other check.
func (r *run) checkDatabase(ctx context.Context, p *problems) {
	marked, err := r.leavesMark(ctx)
	switch {
	case err != nil:
		p.block("other_database", fmt.Sprintf("whether the server uses the database of database-url is not known: %v", err), "check database-url and server-url")
	case !marked:
		p.block("other_database", "a log-in to the server left no mark in the database of database-url: another one may be upgraded than the server uses",
			"check that database-url names the database of server-url")
	}
}

// leavesMark says whether a log-in to the server on the public address is written down in the database.
func (r *run) leavesMark(ctx context.Context) (bool, error) {
	c := zenml.New(r.PublicURL)
	before, err := r.DB.Fingerprint(ctx)
	after := before
	for try := 0; err == nil && try < 2 && before.Tables[keyTable] == after.Tables[keyTable]; try++ {
		if try > 0 { // a column of whole seconds holds the same after two log-ins in one, and this key logged in just before
			_ = await(ctx, pastRounding, func() bool { return false })
		}
		if err = c.LoginKey(ctx, r.APIKey); err == nil {
			after, err = r.DB.Fingerprint(ctx)
		}
	}
	return before.Tables[keyTable] != after.Tables[keyTable], err
}

// isOurs wants the server on the public address to use the real database: a hook's version alone does not
// say so, for another server may have taken the address meanwhile. A process of ours is known by itself.
// The restored content was compared before: the mark spoils nothing.
func (r *run) isOurs(ctx context.Context) error {
	if !r.ByHooks {
		return nil
	}
	marked, err := r.leavesMark(ctx)
	if err != nil {
		return fmt.Errorf("whether %s uses the database of database-url is not known: %w", r.PublicURL, err)
	}
	if !marked {
		return fmt.Errorf("what answers on %s is another server: a log-in to it left no mark in the database of database-url; stop it there and start the right one", r.PublicURL)
	}
	return nil
}

// checkServerVersion compares the server that answers with the version that somebody said runs.
func (r *run) checkServerVersion(said string, p *problems) {
	if r.serverVersion != "" && said != "" && r.serverVersion != said {
		p.block("server_version", fmt.Sprintf("the server runs %s, not %s", r.serverVersion, said), "leave from away or give the server's version")
	}
}

// checkVersions compares the server, the database and what is asked. The database's own word is
// its alembic revision: for a clean release it is the version itself.
func (r *run) checkVersions(ctx context.Context, p *problems) {
	// A backup alone goes to no version.
	if r.From != "" && r.To != "" && version.Compare(r.From, r.To) >= 0 {
		p.block("not_an_upgrade", fmt.Sprintf("from %s is not below to %s", r.From, r.To), "ZenML cannot be downgraded; choose a newer target")
	}
	r.checkServerVersion(r.From, p)
	rev, err := r.DB.Revision(ctx)
	switch {
	case err != nil:
		p.block("database_unreadable", fmt.Sprintf("the database's revision cannot be read: %v", err), "check database-url")
	case rev == "":
		p.block("database_not_migrated", "the database holds no alembic revision", "check that database-url names the server's database")
	case version.Valid(rev) != nil:
		p.block("database_half_migrated", fmt.Sprintf("the database stands at revision %q, which is no release: a migration was interrupted", rev),
			"restore the backup taken before that migration, then start again")
	case r.To != "" && version.Compare(rev, r.To) > 0:
		p.block("database_newer", fmt.Sprintf("the database is at %s, newer than the target %s", rev, r.To), "choose a target that is not below the database")
	case r.From != "" && rev != revisionOf(r.From):
		p.block("database_version", fmt.Sprintf("the database is at %s but the server is at %s", rev, r.From), "check that database-url names the database of server-url")
	}
}

// checkWay asks what is known of the way between the two versions. Which Python runs the new version
// is not asked here: it is installed on the server's own, or it is not.
func (r *run) checkWay(p *problems) {
	if r.From == "" || r.To == "" {
		return
	}
	way := hops.Plan(hops.Question{From: r.From, To: r.To, Requires: func(string) (string, error) { return ">=3.6", nil }})
	if n := len(way.Hops); n > 1 {
		p.block("path_needs_stops", fmt.Sprintf("the way from %s to %s needs a stop at %s: %s", r.From, r.To, way.Hops[0].To, way.Hops[0].Reason),
			fmt.Sprintf("upgrade to %s first", way.Hops[0].To))
	}
	if f := way.Fault; f != nil {
		p.review("target_faulty", fmt.Sprintf("ZenML %s has a known fault: %s (%s)", f.Version, f.What, f.Source),
			fmt.Sprintf("upgrade to %s instead", f.RepairedBy))
	}
}

// revisionOf returns the revision that a release leaves: its own version, but 0.75.1 has none.
func revisionOf(v string) string {
	if v == "0.75.1" {
		return "0.75.0"
	}
	return v
}

func (r *run) checkServer(ctx context.Context, p *problems) {
	for _, x := range r.client.Healthy(ctx) {
		p.block("already_broken", fmt.Sprintf("the server is broken before the upgrade: %s", x), "mend the server first; the upgrade would be blamed for it")
	}
	r.checkRights(ctx, p)
}

// checkRunning looks for what an upgrade would cut off; a backup and a rehearsal cut nothing off.
func (r *run) checkRunning(ctx context.Context, p *problems) {
	if r.Mode == BackUp || r.Mode == Rehearse {
		return
	}
	if err := r.readRuns(ctx); err != nil {
		p.block("pipelines_unknown", fmt.Sprintf("whether pipelines are running is not known: %v", err), "check the rights of database-url's account")
		return
	}
	running := r.underway()
	what := fmt.Sprintf("%d pipeline runs are under way: %s", len(running), strings.Join(shorten(running), ", "))
	switch {
	case len(running) == 0:
	case r.Drain > 0:
		p.review("pipelines_running", what, fmt.Sprintf("they are waited for before the cut-over, at most drain-timeout (%s)", r.Drain))
	default:
		p.block("pipelines_running", what, "wait for them or stop them; an upgrade would cut them off")
	}
}

// checkRights lists what the server holds and names the lists that the key may not see. Users are left out: no service account's
// key lists them (measured on 0.75 to 0.98), and their rows are counted in the database instead.
func (r *run) checkRights(ctx context.Context, p *problems) {
	inv, err := r.client.Inventory(ctx, r.DB.IDs)
	if err != nil {
		p.block("inventory", fmt.Sprintf("what the server holds cannot be listed: %v", err), "mend the server or the rights of the key in server-token")
		return
	}
	r.before = &inv
	for _, kind := range slices.Sorted(maps.Keys(inv.Unreadable)) {
		if kind != "user" {
			p.review("right_missing", fmt.Sprintf("the key in server-token may not list every %s", kind),
				"give the key of a service account with that right; else only the database's rows are counted")
		}
	}
}

// shorten keeps a sentence readable: five names, and how many more there are.
func shorten(list []string) []string {
	const n = 5
	if len(list) > n {
		return append(list[:n:n], fmt.Sprintf("and %d more", len(list)-n))
	}
	return list
}

// checkFolders keeps backups and state out of what a workflow uploads or a checkout cleans.
func (r *run) checkFolders(p *problems) {
	for _, dir := range []struct{ name, path string }{{"backup-dir", r.BackupDir}, {"state-dir", r.StateDir}} {
		for _, w := range r.Workspace {
			if within(dir.path, w) {
				p.block("backup_dir_inside", fmt.Sprintf("%s %q lies in %q", dir.name, dir.path, w), "give a folder that no workflow uploads or cleans")
			}
		}
	}
	if r.BackupDir == "" {
		p.block("backup_dir_missing", "no backup-dir was given", "give a folder with room for the database, outside the repository")
		return
	}
	r.checkPlace(p)
}

func within(path, dir string) bool {
	if path == "" || dir == "" {
		return false
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// checkSpace wants room for the backup, the drill's copy and the rehearsal's growth, each about
// the database's size, and as much again beside the database for a restore.
func (r *run) checkSpace(ctx context.Context, p *problems) {
	size, err := r.DB.Size(ctx)
	if err != nil {
		p.block("database_unreadable", fmt.Sprintf("the database's size cannot be read: %v", err), "check database-url")
		return
	}
	needed := uint64(size) * 5
	for _, dir := range append(r.DB.Folders(), r.BackupDir, r.StateDir) {
		if dir == "" {
			continue
		}
		if free, err := database.Free(existing(dir)); err != nil {
			p.block("folder", err.Error(), "give a folder that exists or can be made")
		} else if free < needed {
			p.block("disk_space", fmt.Sprintf("%q has %d MB free, %d MB are needed", dir, free>>20, needed>>20), "free space or give another folder")
		}
		if unix.Access(existing(dir), unix.W_OK) != nil {
			p.block("folder_not_writable", fmt.Sprintf("%q cannot be written to", dir), "give this user the right to write there")
		}
	}
}

// existing returns dir or the nearest folder above it that exists.
func existing(dir string) string {
	for {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}
