package publish_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zenml-upgrade/zenml-upgrade/internal/fault"
	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

type entry struct {
	name string
	mode fs.FileMode
	body []byte
}

func pack(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	good := entry{"result.json", 0o644, []byte("{}")}
	bomb := pack(t, entry{"result.json", 0o644, make([]byte, publish.LargestResult+1)})
	if len(bomb) > 100<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	// The same with sizes that are lies: in the directory at the end, where readers look.
	liar := bytes.Clone(bomb)
	at := bytes.LastIndex(liar, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(liar[at+24:], 10)
	var many []entry
	for i := range 101 {
		many = append(many, entry{fmt.Sprint(i), 0o644, nil})
	}
	for name, tt := range map[string]struct {
		archive []byte
		want    string // in the error; empty for none
	}{
		"good":              {pack(t, entry{"report.html", 0o644, []byte("x")}, good), ""},
		"folder":            {pack(t, entry{"more/", fs.ModeDir | 0o755, nil}, good), ""},
		"bomb":              {bomb, "more than 5242880 bytes"},
		"bomb that lies":    {liar, "result.json"},
		"parent":            {pack(t, good, entry{"../result.json", 0o644, nil}), "leads out of it"},
		"parent inside":     {pack(t, good, entry{"a/../../x", 0o644, nil}), "leads out of it"},
		"parent that stays": {pack(t, good, entry{"a/../b", 0o644, nil}), "leads out of it"},
		"absolute":          {pack(t, good, entry{"/etc/passwd", 0o644, nil}), "leads out of it"},
		"backslash":         {pack(t, good, entry{`..\x`, 0o644, nil}), "leads out of it"},
		"link":              {pack(t, entry{"result.json", fs.ModeSymlink | 0o777, []byte("/etc/passwd")}), "is no file"},
		"other link":        {pack(t, good, entry{"x", fs.ModeSymlink | 0o777, []byte("/etc/passwd")}), "is no file"},
		"device":            {pack(t, good, entry{"x", fs.ModeDevice | 0o666, nil}), "is no file"},
		"twice":             {pack(t, good, good), "stands in it twice"},
		"deeper":            {pack(t, entry{"a/result.json", 0o644, nil}), "has no \"result.json\""},
		"many":              {pack(t, append(many, good)...), "has 102 entries"},
		"none":              {pack(t), "has no \"result.json\""},
		"no zip":            {[]byte("PK"), "is no zip"},
		"cut":               {pack(t, good)[:40], "is no zip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := publish.Unpack(tt.archive, "result.json")
			if tt.want == "" {
				if err != nil || string(got) != "{}" {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if !fault.IsInput(err) || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Errorf("%d bytes, %v, want an error with %q", len(got), err, tt.want)
			}
		})
	}
}

// A bomb is not unpacked before it is refused. Not parallel: it looks at the memory of the process.
//
//nolint:paralleltest // see above
func TestBombTakesNoMemory(t *testing.T) {
	bomb := pack(t, entry{"result.json", 0o644, make([]byte, 200<<20)})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := publish.Unpack(bomb, "result.json"); !fault.IsInput(err) {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 64 {
		t.Errorf("refusing it took %d MiB", took)
	}
}

// form has every kind of field that results have.
type form struct {
	report.Common
	Names  []string       `json:"names"`
	Lines  *[2]int        `json:"lines"`
	Counts map[string]int `json:"counts"`
	At     *time.Time     `json:"at"`
	Inner  struct {
		Yes bool `json:"yes"`
	} `json:"inner"`
	secret string
	Kind   int `json:"-"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := form{Names: []string{"a"}, Lines: &[2]int{1, 2}, Counts: map[string]int{"x": 1}, At: &at}
	want.Decision, want.StartedAt, want.Reasons, want.Errors = verdict.Block, at, []verdict.Reason{verdict.Because(verdict.Block, "c", "t", nil)}, []string{}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got form
	if err := publish.Decode(text, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(form{})); d != "" || got.secret != "" {
		t.Error(d)
	}
	for name, tt := range map[string]struct{ old, replacement, want string }{
		"other key":       {`"names":`, `"extra":1,"names":`, "extra"},
		"missing key":     {`"names":["a"],`, ``, "names"},
		"other decision":  {`"decision":"block"`, `"decision":"fine"`, "decision"},
		"wrong type":      {`"lines":[1,2]`, `"lines":"1-2"`, "lines"},
		"too many":        {`"lines":[1,2]`, `"lines":[1,2,3]`, "lines"},
		"fraction":        {`"lines":[1,2]`, `"lines":[1,2.5]`, "lines"},
		"no date":         {`"at":"2026-01-02T03:04:05Z"`, `"at":"soon"`, "at"},
		"huge number":     {`"seconds":0`, `"seconds":1e300`, "seconds"},
		"long text":       {`"names":["a"]`, `"names":["` + strings.Repeat("x", 65<<10) + `"]`, "names"},
		"long list":       {`"names":["a"]`, `"names":["a"` + strings.Repeat(`,"a"`, 6000) + `]`, "names"},
		"key twice":       {`"decision":"block"`, `"decision":"block","decision":"fine"`, "decision"},
		"other case":      {`"names":`, `"Names":`, "names"},
		"two documents":   {`"names":["a"]`, `"names":["a"]}{`, "JSON"},
		"deep":            {`"names":["a"]`, `"names":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "result is not one"},
		"hostile message": {`"names":`, `"::error::\u001b[31m":1,"names":`, "whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(string(text), tt.old, tt.replacement, 1)
			if changed == string(text) {
				t.Fatal("the change changes nothing")
			}
			err := publish.Decode([]byte(changed), &form{})
			if !fault.IsInput(err) || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("%v, want an error with %q", err, tt.want)
			}
		})
	}
	if err := publish.Decode(make([]byte, publish.LargestResult+1), &form{}); !fault.IsInput(err) || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}
