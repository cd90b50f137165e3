package proc

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// KillMarked ends every process whose environment holds mark (KEY=value), also those that left the
// group and the session of the child that was started with it. It returns how many it ended.
func KillMarked(mark string) int {
	killed := map[int]bool{}
	for range 50 { // a process that is being ended may start another
		pids := marked(mark)
		if len(pids) == 0 {
			break
		}
		for _, pid := range pids {
			killed[pid] = true
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond) // the kernel takes a moment to end them
	}
	return len(killed)
}

func marked(mark string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, _ := os.ReadFile("/proc/" + e.Name() + "/environ") // empty of one that has ended
		for kv := range bytes.SplitSeq(environ, []byte{0}) {
			if string(kv) == mark {
				out = append(out, pid)
			}
		}
	}
	return out
}
