package version

import "testing"

// Ordering never panics, is the same from both sides, and an equal version is one in canonical form.
func FuzzCompare(f *testing.F) {
	for _, s := range []string{"0.98.0", "v0.90.0rc1", "1!2.0.post1.dev3+local.1", "0.85", "", "0..1", "99999999999999999999.0", "١.٢", "1.0-1", "==1", "1.*"} {
		f.Add(s, "0.85.0")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := Compare(a, b), Compare(b, a)
		if x != -y {
			t.Fatalf("Compare(%q, %q) = %d and back %d", a, b, x, y)
		}
		if Valid(a) == nil && Valid(Canonical(a)) != nil {
			t.Fatalf("%q becomes %q", a, Canonical(a))
		}
		if Valid(a) == nil && Compare(a, Canonical(a)) != 0 {
			t.Fatalf("%q is not its own canonical form %q", a, Canonical(a))
		}
		Allows(a, b)
		Crossed([]string{a, b}, a, b)
	})
}
