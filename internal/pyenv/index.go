package pyenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
)

// How long an answer of the package index is used again.
const (
	resolveAge  = 24 * time.Hour
	versionsAge = 6 * time.Hour
)

// Index asks the package index, through uv and pip, and keeps the answers below Dir for a while.
// A damaged or old entry is asked again; a failure is never kept.
type Index struct {
	Manager *Manager
	Dir     string // absolute
	Now     func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	down   error // the index did not answer: uv has tried several times, the next question need not
}

// kept is an answer on disk.
type kept struct {
	At     time.Time         `json:"at"`
	Pins   map[string]string `json:"pins"`
	Proof  string            `json:"proof"` // a conflict, in uv's words
	Values []string          `json:"values"`
}

// Resolve is Manager.Resolve with its answers, conflicts included, kept for 24 hours or until the
// index lists other versions of ZenML. What several ask at once is asked once. An index that did
// not answer is not asked again.
func (x *Index) Resolve(ctx context.Context, q Question) (map[string]string, error) {
	path := x.path("resolve", []any{q, x.Manager.Env, x.uvBuild(), x.state()})
	if k, ok := x.load(path, resolveAge); ok {
		if k.Proof != "" {
			return nil, &Conflict{Proof: k.Proof}
		}
		return k.Pins, nil
	}
	x.mu.Lock()
	down := x.down
	x.mu.Unlock()
	if down != nil {
		return nil, down
	}
	pins, err, _ := x.flight.Do(path, func() (any, error) { return x.resolve(ctx, path, q) })
	out, _ := pins.(map[string]string)
	return out, err
}

func (x *Index) resolve(ctx context.Context, path string, q Question) (map[string]string, error) {
	pins, err := x.Manager.Resolve(ctx, q)
	var conflict *Conflict
	var unreachable *fault.Error
	switch {
	case errors.As(err, &conflict):
		x.save(path, kept{Proof: conflict.Proof})
	case err == nil:
		x.save(path, kept{Pins: pins})
	case errors.As(err, &unreachable) && unreachable.Kind == fault.NoVerdict:
		x.mu.Lock()
		x.down = err
		x.mu.Unlock()
	}
	return pins, err
}

// state tells one state of the index from another by its versions of ZenML, as last listed.
func (x *Index) state() []string {
	k, _ := x.load(x.path("versions", []any{"zenml", x.Manager.Env}), math.MaxInt64)
	return k.Values
}

// Versions is Manager.Versions with its answer kept for 6 hours. When the index does not answer,
// an older answer that lists all of wanted serves: what was released stays so.
func (x *Index) Versions(ctx context.Context, name string, wanted ...string) ([]string, error) {
	path := x.path("versions", []any{name, x.Manager.Env})
	if k, ok := x.load(path, versionsAge); ok && len(k.Values) > 0 {
		return k.Values, nil
	}
	list, err := x.Manager.Versions(ctx, name)
	if err == nil {
		x.save(path, kept{Values: list})
		return list, nil
	}
	old, ok := x.load(path, math.MaxInt64)
	if !ok || len(wanted) == 0 {
		return nil, err
	}
	for _, v := range wanted {
		if !slices.Contains(old.Values, v) {
			return nil, err
		}
	}
	return old.Values, nil
}

// uvBuild tells one uv from another without starting it.
func (x *Index) uvBuild() string {
	st, err := os.Stat(x.Manager.UV)
	if err != nil {
		return x.Manager.UV
	}
	return fmt.Sprint(x.Manager.UV, st.Size(), st.ModTime().UnixNano())
}

// path names an entry by all that its answer depends on.
func (x *Index) path(kind string, key []any) string {
	data, err := json.Marshal(key)
	if err != nil {
		panic(err) // the keys are strings
	}
	sum := sha256.Sum256(data)
	return filepath.Join(x.Dir, "facts", kind+"-"+hex.EncodeToString(sum[:12])+".json")
}

func (x *Index) load(path string, age time.Duration) (kept, bool) {
	var k kept
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &k) != nil {
		return kept{}, false
	}
	since := x.Now().Sub(k.At)
	return k, since >= 0 && since < age
}

// save keeps an answer. That it cannot be kept costs time later and nothing else.
func (x *Index) save(path string, k kept) {
	k.At = x.Now()
	data, err := json.Marshal(k)
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	_ = atomicfile.Write(path, data)
}
