package vault

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// s3Server starts a real S3 server on a folder and returns the destination of a bucket in it.
func s3Server(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("versitygw")
	if err != nil {
		t.Skip("the S3 server versitygw is not there: tools/gobin.sh builds it")
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "backups"), 0o700); err != nil {
		t.Fatal(err)
	}
	address := ""
	for range 5 { // between our look for a free port and the server's start somebody may take it
		if address = startS3(t, program, root); address != "" {
			break
		}
	}
	if address == "" {
		t.Fatal("the S3 server does not start")
	}
	return fmt.Sprintf("s3://backups?region=us-east-1&endpoint=http://%s&s3ForcePathStyle=true&prefix=zenml/", address)
}

// startS3 returns the address of a server that answers, "" when its process ended before.
func startS3(t *testing.T, program, root string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.CommandContext(t.Context(), program, "--port", address, "--quiet", "posix", root)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID=tester", "ROOT_SECRET_ACCESS_KEY=only-for-tests")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return ""
		case <-t.Context().Done():
			t.Fatal("the S3 server does not answer")
		case <-tick.C:
			if resp, err := http.Get("http://" + address); err == nil {
				_ = resp.Body.Close()
				return address
			}
		}
	}
}

func TestBackupsAreKeptInS3(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "only-for-tests")
	keptIn(t, s3Server(t))
}

func TestAWrongS3KeyIsSeen(t *testing.T) {
	address := s3Server(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "tester")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	p := newPlace(t)
	m := p.backup(t)
	if err := p.vault(Options{Destination: address}).Copy(t.Context(), m); err == nil {
		t.Error("a copy with the wrong key counts")
	}
	if r, err := readRecord(p.dir, base(m)); err != nil || r == nil || r.Kept {
		t.Errorf("%+v, %v", r, err)
	}
}
