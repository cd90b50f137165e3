package releasecheck

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/publish"
	"github.com/zenml-upgrade/zenml-upgrade/internal/report"
	"github.com/zenml-upgrade/zenml-upgrade/internal/verdict"
)

// sparse gives every list one element without anything in it; what may be null stays null.
func sparse(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				sparse(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		sparse(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			sparse(v.Index(i))
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem().PkgPath() != "time" {
			v.Set(reflect.New(v.Type().Elem()))
			sparse(v.Elem())
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[verdict.Decision]() {
			v.SetString(string(verdict.Block))
		}
	}
}

// A result that has the right form and nothing in it is shown, not stumbled over: the half that
// publishes must not be stopped by a file.
func TestSparseResultIsShown(t *testing.T) {
	t.Parallel()
	from, to := "0.97.0", "0.98.0"
	empty, full := &Result{}, &Result{}
	empty.Decision = verdict.Unknown
	sparse(reflect.ValueOf(full).Elem())
	for name, r := range map[string]*Result{"null": empty, "hollow": full} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.From, r.To = &from, &to
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			got := &Result{}
			if err := publish.Decode(text, got); err != nil {
				t.Fatal(err)
			}
			p := &published{Result: got}
			for _, write := range []func(*bytes.Buffer, report.Document) error{
				func(b *bytes.Buffer, d report.Document) error { return report.Markdown(b, d, report.CommentLimit) },
				func(b *bytes.Buffer, d report.Document) error { return report.HTML(b, d) },
				func(b *bytes.Buffer, d report.Document) error { return report.Plain(b, d) },
			} {
				var b bytes.Buffer
				if err := write(&b, p.Document()); err != nil || b.Len() == 0 {
					t.Error(err)
				}
			}
			if n := len(p.Annotations()); (name == "hollow") != (n > 0) {
				t.Errorf("%d annotations", n)
			}
		})
	}
}
