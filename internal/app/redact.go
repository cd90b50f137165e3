package app

import (
	"cmp"
	"encoding/json"
	"html"
	"io"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/zenml-upgrade/zenml-upgrade/internal/proc"
)

// redactor removes secrets from all that leaves the program.
type redactor struct{ forms []string }

// newRedactor knows each secret as it is, line by line, and as JSON, HTML and addresses write it.
// The longest come first, so that an address goes as a whole before its password does.
func newRedactor(secrets []string) *redactor {
	r := &redactor{}
	for _, secret := range secrets {
		for _, s := range append(strings.Split(secret, "\n"), secret) {
			quoted, _ := json.Marshal(s) // a string always encodes
			plain := strings.Trim(string(quoted), `"`)
			loose := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(plain)
			r.forms = append(r.forms, s, strings.TrimSpace(s), plain, loose, html.EscapeString(s), url.QueryEscape(s), url.PathEscape(s))
		}
	}
	slices.SortFunc(r.forms, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	r.forms = slices.Compact(r.forms)
	return r
}

func (r *redactor) text(s string) string { return string(proc.Redact([]byte(s), r.forms)) }

var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"(?:\s*:)?`)

// json redacts the values of an encoded document. Keys stay: they are the program's own words.
func (r *redactor) json(b []byte) []byte {
	if len(r.forms) == 0 {
		return b
	}
	return jsonString.ReplaceAllFunc(b, func(s []byte) []byte {
		if s[len(s)-1] == ':' {
			return s
		}
		return slices.Concat([]byte(`"`), proc.Redact(s[1:len(s)-1], r.forms), []byte(`"`))
	})
}

// copy returns v with every string in it redacted, before a writer escapes what would be found.
func (r *redactor) copy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(r.text(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(r.copy(v.Field(i)))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		}
		for i := range v.Len() {
			out.Index(i).Set(r.copy(v.Index(i)))
		}
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(r.copy(v.Elem()))
		}
	default:
		out.Set(v)
	}
	return out
}

func (r *redactor) writer(out io.Writer) io.Writer {
	return &redactingWriter{out: out, redactor: r}
}

// redactingWriter redacts each write by itself: everything here writes whole lines.
type redactingWriter struct {
	out io.Writer
	*redactor
}

func (w *redactingWriter) Write(p []byte) (int, error) {
	if _, err := w.out.Write(proc.Redact(p, w.forms)); err != nil {
		return 0, err
	}
	return len(p), nil
}
