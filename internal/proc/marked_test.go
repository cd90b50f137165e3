package proc

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestKillMarkedFindsWhatLeftItsSession(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	c := sh("setsid sh -c 'echo $$ > " + pidFile + "; exec sleep 600' > /dev/null 2>&1 & while [ ! -s " + pidFile + " ]; do sleep 0.05; done")
	mark := "ZENML_UPGRADE_RUN=" + t.Name()
	c.Env = append(c.Env, mark)
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	if _, alive := StartTime(pid); !alive {
		t.Fatal("the daemon ended with the group: nothing is tested")
	}
	if n := KillMarked(mark); n != 1 {
		t.Errorf("ended %d processes", n)
	}
	await(t, "the daemon to end", func() bool { _, alive := StartTime(pid); return !alive })
}
