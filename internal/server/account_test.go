package server

import (
	"slices"
	"strings"
	"testing"
)

// The account of the real database does not reach a copy, which has its own in its URL.
func TestACopyDoesNotGetTheRealDatabasesAccount(t *testing.T) {
	t.Parallel()
	c := Config{Dir: "/d", StoreURL: "mysql://copy:x@127.0.0.1:1/zenml", Env: []string{
		"ZENML_STORE_USERNAME=real", "ZENML_STORE_PASSWORD=hunter2", "ZENML_STORE_SSL_CA=/ca", "ZENML_STORE_SSL=true", "ZENML_STORE_AUTH_MODE=aws_rds_iam", "ZENML_STORE_POOL_SIZE=5",
	}}
	for live, want := range map[bool]int{true: 6, false: 1} {
		c.Live = live
		env := environment(c)
		var passed int
		for _, kv := range c.Env {
			if slices.Contains(env, kv) {
				passed++
			}
		}
		if passed != want || !slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "ZENML_STORE_URL=mysql://copy") }) {
			t.Errorf("live %v: %d of the settings passed: %v", live, passed, env)
		}
	}
}
