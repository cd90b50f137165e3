package proc

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"
)

var secretKey = regexp.MustCompile(`PASS|SECRET|TOKEN|KEY|CREDENTIAL`)

// SecretValues finds in an environment (KEY=value) what must reach no report: the values whose
// names say so, and the password of every address, as written and decoded.
func SecretValues(env ...string) []string {
	var out []string
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		if secretKey.MatchString(strings.ToUpper(k)) && v != "" {
			out = append(out, v)
		}
		out = append(out, addressPasswords([]byte(v))...) // several may stand in one value
	}
	return out
}

// addressPasswords are the passwords of the addresses in a text.
func addressPasswords(text []byte) (out []string) {
	for _, word := range bytes.Fields(text) {
		if bytes.Contains(word, []byte("://")) {
			out = append(out, urlPassword(string(word))...)
		}
	}
	return out
}

func urlPassword(v string) []string {
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok || strings.HasPrefix(scheme, "sqlite") {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "/")
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return nil
	}
	_, raw, _ := strings.Cut(rest[:at], ":")
	if raw == "" {
		return nil
	}
	out := []string{raw}
	if decoded, err := url.PathUnescape(raw); err == nil && decoded != raw {
		out = append(out, decoded)
	}
	return out
}
