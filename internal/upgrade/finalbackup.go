package upgrade

import (
	"context"
	"fmt"
	"strings"
)

// finalBackup is what a rollback restores: taken when nothing writes any more.
func (r *run) finalBackup(ctx context.Context) (string, error) {
	if err := r.unused(ctx); err != nil {
		return "", err
	}
	m, err := r.DB.Backup(ctx, r.BackupDir, r.meta(true))
	if err != nil {
		return "", fmt.Errorf("taking the final backup: %w", err)
	}
	if err := sameMeans(r.backedUp, m); err != nil {
		return "", err
	}
	drill := r.report.Backup.Drill // proved with the same means a moment ago
	r.report.Backup, r.final = backupOf(m), m.Fingerprint()
	r.report.Backup.Drill = drill
	r.state.FinalBackup, r.state.FinalAt, r.state.ContentBefore = m.Path, m.CreatedAt, m.ContentDigest
	r.report.Content = &Content{Before: m.ContentDigest}
	if r.keeps() {
		if err := r.keep(ctx, m); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d kB, content %s", m.Bytes>>10, m.ContentDigest), nil
}

// unused says that nobody is on the database.
func (r *run) unused(ctx context.Context) error {
	others, err := r.DB.Others(ctx)
	if err != nil {
		return fmt.Errorf("looking who else uses the database: %w", err)
	}
	if len(others) > 0 {
		return fmt.Errorf("the database is still in use by %s: what they write would be lost", strings.Join(others, ", "))
	}
	return nil
}

// unchanged proves, right before the migration, that the final backup holds all there is. It is a
// step of its own, so that a write that it finds is not undone: nothing was migrated yet, and a
// restore would lose it.
func (r *run) unchanged(ctx context.Context) (string, error) {
	now, err := r.DB.Fingerprint(ctx)
	if err != nil {
		return "", fmt.Errorf("looking whether the final backup is still all there is: %w", err)
	}
	// Asked last: who came and went meanwhile has shown in the content, or comes too late for it.
	others, err := r.DB.Others(ctx)
	if err != nil {
		return "", fmt.Errorf("looking who else uses the database: %w", err)
	}
	if who := append(r.final.Diff(now), others...); len(who) > 0 {
		return "", fmt.Errorf("somebody uses the database beside the upgrade, and what they write would be in no backup: %s; nothing was migrated, and what was written stays",
			strings.Join(shorten(who), "; "))
	}
	return "content " + now.Digest(), nil
}
