package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// late are the foreign keys that migrations added without a look at the rows: of the copy of now, and of the
// real database. They are looked at once together, before anybody gets in.
type late struct{ copy, real []string }

// noteLate keeps what a server's migration added so, also one that failed: a patch may go on from there.
func (r *run) noteLate(s Server) {
	m, ok := s.(Migrator)
	if !ok {
		return
	}
	keys := &r.late.real
	if r.room != nil {
		keys = &r.late.copy
	}
	*keys = append(*keys, m.Course().Deferred...)
}

// keysHold is the check of those keys; none when there are no such keys.
func (r *run) keysHold() []examination {
	keys := r.late.real
	if r.room != nil {
		keys = r.late.copy
	}
	if len(keys) == 0 {
		return nil
	}
	return []examination{{"foreign keys", func(ctx context.Context) (string, error) {
		looks, ok := r.source().(interface {
			Orphans(ctx context.Context, keys []string) (there int, lines []string, err error)
		})
		if !ok {
			return "", errors.New("they were added without a look at the rows, and cannot be looked at here")
		}
		there, lines, err := looks.Orphans(ctx, keys)
		if err == nil && len(lines) > 0 {
			err = fmt.Errorf("the migration would have been refused: %s", strings.Join(shorten(lines), "; "))
		}
		return fmt.Sprintf("%d that the migration added hold", there), err
	}}}
}
