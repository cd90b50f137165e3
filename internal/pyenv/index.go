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
	"time"

	"github.com/zenml-upgrade/zenml-upgrade/internal/atomicfile"
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
}

// kept is an answer on disk.
type kept struct {
	At     time.Time         `json:"at"`
	Pins   map[string]string `json:"pins"`
	Proof  string            `json:"proof"` // a conflict, in uv's words
	Values []string          `json:"values"`
}

// Resolve is Manager.Resolve with its answers, conflicts included, kept for 24 hours.
func (x *Index) Resolve(ctx context.Context, q Question) (map[string]string, error) {
	path := x.path("resolve", []any{q, x.Manager.Env, x.uvBuild()})
	if k, ok := x.load(path, resolveAge); ok {
		if k.Proof != "" {
			return nil, &Conflict{Proof: k.Proof}
		}
		return k.Pins, nil
	}
	pins, err := x.Manager.Resolve(ctx, q)
	var conflict *Conflict
	switch {
	case errors.As(err, &conflict):
		x.save(path, kept{Proof: conflict.Proof})
	case err == nil:
		x.save(path, kept{Pins: pins})
	}
	return pins, err
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
