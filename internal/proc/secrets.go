package proc

import (
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
		for _, word := range strings.Fields(v) { // several addresses may stand in one value
			out = append(out, urlPassword(word)...)
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
