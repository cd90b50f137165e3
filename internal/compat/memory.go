package compat

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// abreastNeeds is the memory that must be free for both worlds to work at once: two servers, their
// clients and what loads artifacts.
const abreastNeeds = 4 << 30

// MachineFact says how the worlds were run.
type MachineFact struct {
	Memory  *int64 `json:"memory_bytes"` // that could be taken when the test began; null when that is not known
	Abreast bool   `json:"abreast"`      // whether both worlds worked at once; else one after the other
}

func machineFact(root string) *MachineFact {
	free, ok := freeMemory(root)
	if !ok {
		return &MachineFact{}
	}
	return &MachineFact{Memory: &free, Abreast: free >= abreastNeeds}
}

func (m *MachineFact) String() string {
	if m.Abreast {
		return "both versions at once where they can"
	}
	return "one version after the other: memory is short or not known"
}

// freeMemory returns the bytes that this process and its children can still take: what the machine has
// available, less where a control group allows less. root is "/" but for tests.
func freeMemory(root string) (int64, bool) {
	free, ok := field(filepath.Join(root, "proc/meminfo"), "MemAvailable:")
	if !ok {
		return 0, false
	}
	free <<= 10
	for _, g := range groups(root) {
		limit, limited := number(filepath.Join(g.dir, g.limit))
		used, known := number(filepath.Join(g.dir, g.used))
		if !limited || !known {
			continue // "max", or a group that is not seen from here
		}
		cached, _ := field(filepath.Join(g.dir, "memory.stat"), g.cached)
		free = min(free, max(0, limit-used+cached)) // cached files are given up when memory is asked for
	}
	return free, true
}

type group struct{ dir, limit, used, cached string }

// groups lists the control groups that bound our memory: ours and those above it, in both of the
// kernel's layouts. In a container the own group may be seen as the root.
func groups(root string) []group {
	b, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil
	}
	var out []group
	for line := range strings.Lines(string(b)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		base, g := filepath.Join(root, "sys/fs/cgroup"), group{limit: "memory.max", used: "memory.current", cached: "inactive_file"}
		switch {
		case part[0] == "0":
		case part[1] == "memory":
			base = filepath.Join(base, "memory")
			g = group{limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", cached: "total_inactive_file"}
		default:
			continue
		}
		for dir := filepath.Join(base, part[2]); ; dir = filepath.Dir(dir) {
			g.dir = dir
			out = append(out, g)
			if dir == base || len(dir) < len(base) {
				break
			}
		}
	}
	return out
}

func number(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// field returns the number after a name in a file of "name number" lines.
func field(path, name string) (int64, bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == name {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
