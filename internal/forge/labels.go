package forge

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// EnsureLabels puts the wanted ones of the managed labels on an issue or pull request and takes the
// others of them off. Every other label stays: it is somebody else's, and none is ever overwritten by
// a list read a moment ago. has are the labels it bears.
func (w *Writer) EnsureLabels(ctx context.Context, repo Repository, number int, has, managed, want []string) (Change, error) {
	change := Unchanged
	missing := slices.DeleteFunc(slices.Clone(want), func(l string) bool { return slices.Contains(has, l) })
	if len(missing) > 0 {
		change = Created
		if !w.dry {
			if err := w.addLabels(ctx, repo, number, missing); err != nil {
				return Unchanged, w.explain(fmt.Sprintf("labelling %d", number), err)
			}
		}
	}
	for _, l := range managed {
		if slices.Contains(want, l) || !slices.Contains(has, l) {
			continue
		}
		if change == Unchanged {
			change = Removed
		}
		if w.dry {
			continue
		}
		if _, err := w.api.Issues.RemoveLabelForIssue(ctx, repo.Owner, repo.Name, number, l); err != nil && status(err) != http.StatusNotFound {
			return Unchanged, w.explain(fmt.Sprintf("taking a label off %d", number), err)
		}
	}
	return change, nil
}

// addLabels sends what GitHub describes; the library's own method sends a bare list.
func (w *Writer) addLabels(ctx context.Context, repo Repository, number int, labels []string) error {
	path := fmt.Sprintf("repos/%s/%s/issues/%d/labels", repo.Owner, repo.Name, number)
	req, err := w.api.NewRequest(http.MethodPost, path, map[string][]string{"labels": labels})
	if err != nil {
		return err
	}
	_, err = w.api.Do(ctx, req, nil)
	return err
}
