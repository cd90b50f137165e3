package machine

import (
	"fmt"
	"os"
	"strings"
)

// PeakMB is the most memory that a process held so far, in MiB, by the kernel's count (VmHWM): its own, not
// that of its children, which the figure at its end (rusage) would be mixed with.
func PeakMB(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0, err // it has ended: a process that is not waited for has no memory
	}
	return kb / 1024, nil
}
