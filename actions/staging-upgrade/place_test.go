package stagingupgrade

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zenml-upgrade/zenml-upgrade/internal/action"
)

func TestWhatOutlivesAnActionsContainer(t *testing.T) {
	t.Parallel()
	const mounts = `700 600 0:55 / / rw,relatime - overlay overlay rw,lowerdir=/x
701 700 0:60 / /proc rw - proc proc rw
702 700 0:61 / /dev rw - tmpfs tmpfs rw
703 702 0:62 / /dev/shm rw - tmpfs shm rw
704 700 254:0 /home/runner/work/_temp/_github_home /github/home rw - ext4 /dev/vda rw
705 700 254:0 /home/runner/work/app/app /github/workspace rw - ext4 /dev/vda rw
706 700 254:0 /srv/backups /srv/zenml\040backups rw - ext4 /dev/vda rw
707 700 0:70 / /srv/hidden rw - ext4 /dev/vda rw
708 700 0:71 / /srv/hidden rw - tmpfs tmpfs rw
nonsense
`
	for dir, want := range map[string]bool{
		"/srv/zenml backups":        true,
		"/srv/zenml backups/prod/x": true,
		"/srv/zenml backups2":       false,
		"/srv/hidden":               false,
		"/var/backups":              false,
		"/dev/shm/b":                false,
		"/github/home/backups":      false,
		"/github/workspace/backups": false,
		"/github/backups":           false,
	} {
		if got := outlives([]byte(mounts), dir); got != want {
			t.Errorf("%q: %v", dir, got)
		}
	}
	if outlives(nil, "/srv") {
		t.Error("nothing is known of the mounts, and the folder was taken to outlive the container")
	}
}

func TestALinkIntoTheContainerDoesNotOutliveIt(t *testing.T) {
	t.Parallel()
	kept, own := t.TempDir(), t.TempDir()
	mounts := []byte("1 0 0:1 / / rw - overlay overlay rw\n2 1 0:2 / " + kept + " rw - ext4 /dev/vda rw\n")
	if err := os.Symlink(own, filepath.Join(kept, "link")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{"new": true, "new/deeper": true, "link": false, "link/new": false} {
		if got := outlives(mounts, filepath.Join(kept, dir)); got != want {
			t.Errorf("%q: %v", dir, got)
		}
	}
}

// The tests' machine may be a container itself: that alone takes no folder away.
func TestOnlyAContainerActionLosesItsBackups(t *testing.T) {
	t.Parallel()
	s := &settings{backupDir: "/var/backups"}
	for _, workspace := range []string{"", "/home/runner/work/app/app"} {
		if p := s.place(&action.Runtime{Environ: []string{"GITHUB_WORKSPACE=" + workspace}}); p != nil {
			t.Errorf("%q: %v", workspace, p)
		}
	}
}
