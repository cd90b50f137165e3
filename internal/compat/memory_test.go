package compat

import (
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/testkit/files"
)

func TestFreeMemory(t *testing.T) {
	t.Parallel()
	const machine = "MemTotal: 9000000 kB\nMemAvailable: 8000000 kB\n"
	for name, c := range map[string]struct {
		tree    map[string]string
		free    int64
		known   bool
		abreast bool
	}{
		"nothing is known": {map[string]string{}, 0, false, false},
		"no groups":        {map[string]string{"proc/meminfo": machine}, 8000000 << 10, true, true},
		"little": {
			map[string]string{"proc/meminfo": "MemAvailable: 4194303 kB\n"}, 4194303 << 10, true, false,
		},
		"a limit above us, cached files given up": {
			map[string]string{
				"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.current": "5\n",
				"sys/fs/cgroup/a/memory.max": "3000000000\n", "sys/fs/cgroup/a/memory.current": "1000000000\n", "sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 500000000\n",
			}, 2500000000, true, false,
		},
		"the older layout": {
			map[string]string{
				"proc/meminfo": machine, "proc/self/cgroup": "9:name=systemd:/\n4:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "6000000000\n",
				"sys/fs/cgroup/memory/x/memory.usage_in_bytes": "100\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "7\n",
			}, 5999999900, true, true,
		},
		"a container whose own group is the root": {
			map[string]string{
				"proc/meminfo": machine, "proc/self/cgroup": "0::/docker/abc\n", "sys/fs/cgroup/memory.max": "1000\n", "sys/fs/cgroup/memory.current": "1001\n",
			}, 0, true, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := files.Dir(t, c.tree)
			if free, known := freeMemory(root); free != c.free || known != c.known {
				t.Errorf("%d bytes, known %v; want %d, %v", free, known, c.free, c.known)
			}
			if m := machineFact(root); m.Abreast != c.abreast || (m.Memory != nil) != c.known {
				t.Errorf("%+v", m)
			}
		})
	}
	if free, known := freeMemory("/"); !known || free <= 0 {
		t.Errorf("of this machine: %d, %v", free, known)
	}
}
