package migration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
	"github.com/zenml-upgrade/zenml-upgrade/internal/pyenv"
	"github.com/zenml-upgrade/zenml-upgrade/internal/release"
)

func ptr[T any](v T) *T { return &v }

// wheel writes an installed zenml with the given revisions, on the python of this machine.
func wheel(t *testing.T, files map[string]string) *pyenv.Env {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("skipped: python3 is missing")
	}
	dir := t.TempDir()
	site := filepath.Join(dir, "lib", "python3", "site-packages")
	record := ""
	write := func(path, text string) {
		t.Helper()
		p := filepath.Join(site, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		write(folder+"/"+name, text)
		record += folder + "/" + name + ",sha256=" + name + ",1\n"
	}
	write("zenml-1.0.0.dist-info/RECORD", record)
	return &pyenv.Env{Dir: dir, Python: python}
}

func read(t *testing.T, env *pyenv.Env) ([]Revision, error) {
	t.Helper()
	return (&Reader{Dir: t.TempDir(), Env: proc.BaseEnv(os.Environ())}).Read(t.Context(), env)
}

// What a script does has one digest, however it is laid out and explained.
func TestAScriptIsKnownByWhatItDoes(t *testing.T) {
	t.Parallel()
	const script = "revision = \"a\"\ndown_revision = None\ndef upgrade():\n    for name in [\"x\", \"y\"]:\n        op.drop_table(f\"t_{name}\")\n"
	var first string
	for name, tc := range map[string]struct {
		text string
		same bool
	}{
		"itself":   {script, true},
		"comments": {"\"\"\"Title.\"\"\"\n# of 2026\n" + strings.Replace(script, "upgrade():", "upgrade():  # all\n    \"\"\"Upgrade.\"\"\"", 1), true},
		"layout":   {"\"\"\"Title.\"\"\"\n\n" + strings.Replace(script, "[\"x\", \"y\"]", "[\n 'x', 'y' # both\n]", 1), true},
		"another":  {strings.Replace(script, "drop_table", "create_table", 1), false},
		"a value":  {strings.Replace(script, "\"y\"", "\"z\"", 1), false},
	} {
		got, err := read(t, wheel(t, map[string]string{"a.py": tc.text}))
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			base, err := read(t, wheel(t, map[string]string{"a.py": script}))
			if err != nil {
				t.Fatal(err)
			}
			first = base[0].Source
		}
		if (got[0].Source == first) != tc.same {
			t.Errorf("%s: the digest is the same: %v, want %v", name, !tc.same, tc.same)
		}
	}
}

// sources are files of revisions and what they do.
var sources = map[string]struct {
	body string // of the file, after its revision
	want Revision
}{
	"schema in a batch and by itself": {`
def upgrade():
    """DELETE FROM is a word of this text."""
    with op.batch_alter_table("a") as batch_op:
        batch_op.add_column(sa.Column("x"))
        batch_op.drop_column("y")
    with op.batch_alter_table("b") as batch_op:
        batch_op.alter_column("z", new_column_name="w")
    op.create_index("ix", "c")
    op.drop_table("d")
def downgrade():
    op.create_table("d")
`, Revision{Operations: map[string]int{"add_column": 1, "drop_column": 1, "alter": 1, "create_index": 1, "drop_table": 1}, Tables: []string{"a", "b", "c", "d"}, Undone: true}},
	"rows, in a helper and in SQL": {`
GONE = "delete from old_rows where x"
def helper(c):
    t = sa.Table("things", meta)
    c.execute(t.delete().where(t.c.x))
    {}.update(a=1)
def unused():
    op.drop_table("never")
def upgrade():
    c = op.get_bind()
    helper(c)
    c.execute(sa.text(GONE))
    c.execute(f"UPDATE runs SET a = {1}")
    c.execute(sa.select(t))
def downgrade():
    """Nothing."""
    pass
`, Revision{Operations: map[string]int{"delete_rows": 2, "update_rows": 1}, Tables: []string{"old_rows", "runs", "things"}}},
	"what the source does not show": {`
def upgrade():
    op.execute(load_statement())
def downgrade():
    if True:
        raise ValueError()
    op.execute("UPDATE x SET y = 1")
`, Revision{Operations: map[string]int{}, Tables: []string{}, Unread: 1, Undone: true}},
	"a downgrade that refuses": {`
def upgrade():
    for name in ["t_one", "t_two"]:
        with op.batch_alter_table(name) as batch_op:
            batch_op.drop_constraint("c")
def downgrade():
    raise NotImplementedError("no")
`, Revision{Operations: map[string]int{"alter": 1}, Tables: []string{"t_one", "t_two"}}},
}

func TestOperationsAreReadFromTheSource(t *testing.T) {
	t.Parallel()
	for name, tc := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The first line would leave a file behind if the source were run.
			ran := filepath.Join(t.TempDir(), "ran")
			head := "\"\"\"Title of it [abc].\n\nMore.\n\"\"\"\nopen(" + string(must(json.Marshal(ran))) + ", 'w')\nrevision = \"abc\"\ndown_revision = \"before\"\n"
			got, err := read(t, wheel(t, map[string]string{"abc.py": head + tc.body}))
			if err != nil {
				t.Fatal(err)
			}
			tc.want.ID, tc.want.Down, tc.want.Title = "abc", ptr("before"), "Title of it [abc]."
			if d := cmp.Diff([]Revision{tc.want}, got, cmpopts.IgnoreFields(Revision{}, "Source")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if _, err := os.Stat(ran); err == nil {
				t.Error("the source was run")
			}
		})
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestAnAnswerIsKeptForItsRecordOnly(t *testing.T) {
	t.Parallel()
	env := wheel(t, map[string]string{"a.py": "revision = '0.1.0'\ndown_revision = None\n"})
	x := &Reader{Dir: t.TempDir(), Env: proc.BaseEnv(os.Environ())}
	first, err := x.Read(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	env.Python = "/bin/false" // what is kept needs no interpreter
	again, err := x.Read(t.Context(), env)
	if d := cmp.Diff(first, again); err != nil || d != "" {
		t.Errorf("err %v (-first +again):\n%s", err, d)
	}
	other := wheel(t, map[string]string{"b.py": "revision = '0.2.0'\ndown_revision = None\n"})
	other.Python = "/bin/false"
	if got, err := x.Read(t.Context(), other); err == nil {
		t.Errorf("another wheel got %v", got)
	}
}

func TestASourceThatCannotBeParsedIsAnError(t *testing.T) {
	t.Parallel()
	if got, err := read(t, wheel(t, map[string]string{"a.py": "def ("})); err == nil {
		t.Errorf("got %v", got)
	}
}

func revisions(ids ...string) []Revision {
	var out []Revision
	for i, id := range ids {
		r := Revision{ID: id}
		if i > 0 {
			r.Down = ptr(ids[i-1])
		}
		if !marker.MatchString(id) {
			r.Operations = map[string]int{"add_column": 1}
		}
		out = append(out, r)
	}
	slices.Reverse(out) // files come in no order
	return out
}

func TestBetween(t *testing.T) {
	t.Parallel()
	older := revisions("start", "0.75.0")
	for name, tc := range map[string]struct {
		newer []Revision
		want  []string
		fails string
	}{
		"in order, with the release that brought each": {newer: revisions("start", "0.75.0", "aa", "0.80.0rc0", "bb", "0.80.0", "cc", "0.80.1"), want: []string{"aa 0.80.0", "bb 0.80.0", "cc 0.80.1"}},
		"a withdrawn release brings nothing":           {newer: revisions("start", "0.75.0", "aa", "0.56.0", "0.56.2"), want: []string{"aa 0.56.2"}},
		"a prerelease that is the target":              {newer: revisions("start", "0.75.0", "aa", "0.90.0rc0"), want: []string{"aa 0.90.0rc0"}},
		"an unknown start":                             {newer: revisions("start", "0.74.0", "aa"), fails: "does not know"},
		"two ends":                                     {newer: append(revisions("start", "0.75.0", "aa"), Revision{ID: "bb", Down: ptr("0.75.0")}), fails: "2 revisions"},
		"a hole":                                       {newer: []Revision{{ID: "aa", Down: ptr("0.75.0")}}, fails: "is missing"},
		"a circle":                                     {newer: append(revisions("start", "0.75.0"), Revision{ID: "x", Down: ptr("y")}, Revision{ID: "y", Down: ptr("x")}), fails: "2 of 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Between(older, tc.newer)
			if (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Fatalf("err %v, want %q", err, tc.fails)
			}
			var lines []string
			for _, m := range got {
				lines = append(lines, m.Revision+" "+m.Version)
			}
			if d := cmp.Diff(tc.want, lines); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatIsNotReadIsNotHarmless(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, tc := range []struct {
		r    Revision
		want *bool
	}{
		{Revision{Operations: map[string]int{"alter": 1}}, &no},
		{Revision{Operations: map[string]int{"alter": 1}, Unread: 1}, nil},
		{Revision{Operations: map[string]int{"drop_column": 1}, Unread: 1}, &yes},
		{Revision{Unread: 1}, nil},
	} {
		m := tc.r.migration("0.98.0")
		if d := cmp.Diff(tc.want, m.Destructive); d != "" || m.Operations["unread"] != tc.r.Unread || !m.Irreversible || m.Tables == nil {
			t.Errorf("%+v gives %+v", tc.r, m)
		}
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	list := []Migration{
		{Revision: "a1", Version: "0.97.0", Destructive: &yes, Irreversible: true, Operations: map[string]int{"drop_table": 8, "delete_rows": 1}, Tables: []string{"resource_pool"}},
		{Revision: "b2", Version: "0.97.0", Destructive: &no, Operations: map[string]int{"add_column": 1}},
		{Revision: "c3", Version: "0.98.0", Destructive: nil, Operations: map[string]int{"unread": 1}},
		{Revision: "d4", Version: "0.98.0", Destructive: &yes, Operations: map[string]int{"drop_column": 1}, Tables: []string{"resource_pool"}},
	}
	notes := []release.Finding{{Version: "0.97.0", Source: "notes", Category: release.Breaking, Text: "All Resource Pools were removed."}}
	var got []string
	for _, f := range Findings(list, notes) {
		got = append(got, strings.Join([]string{f.Version, f.Title, map[bool]string{true: "declared", false: "silent"}[f.Declared]}, "; "))
	}
	want := []string{
		"0.97.0; Migration a1 drops 8 tables, deletes rows, cannot be undone; declared",
		"0.98.0; Migration c3 holds statements that could not be read; silent",
		"0.98.0; Migration d4 drops 1 column; silent",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
