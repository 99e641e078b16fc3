//go:build linux

package wine_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/procmon/procmon"
)

// TestSpoolOutlivesTheProgram kills an exporter that cannot deliver, and looks for its
// snapshots when there is a server again.
func TestSpoolOutlivesTheProgram(t *testing.T) {
	w := open(t)
	program, dir := build(t, "procmon-exporter"), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("K3Y"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, address := freeAddress(t), freeAddress(t)
	args := []string{
		program, "--web.listen-address", address, "--push.url", "http://" + server + "/api/process-data/", "--push.mode=always",
		"--push.key-file=Z:" + filepath.Join(dir, "key"), "--push.spool.path=Z:" + filepath.Join(dir, "spool"), "--push.interval",
	}
	first := w.start(t, append(args, "1s")...)
	get(t, "http://"+address+"/metrics", func(body string) error {
		var waiting float64
		for line := range strings.Lines(body) {
			if rest, ok := strings.CutPrefix(line, "procmon_exporter_pushes_waiting "); ok {
				fmt.Sscan(rest, &waiting)
			}
		}
		if waiting < 3 {
			return fmt.Errorf("%v snapshots wait", waiting)
		}
		return nil
	})
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()

	listener, err := net.Listen("tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan time.Time, 1000)
	receiver := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Header.Get("Content-Encoding") == "" {
			var s *procmon.Snapshot
			if s, err = procmon.Decode(body); err == nil {
				arrived <- s.Timestamp
			}
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		rw.WriteHeader(http.StatusCreated)
	})}
	go receiver.Serve(listener)
	t.Cleanup(func() { receiver.Close() })
	w.start(t, append(args, "3600")...)
	var last time.Time
	for old := 0; old < 3; old++ {
		select {
		case at := <-arrived:
			// Two can be of one time: who asks within a second gets the same snapshot.
			if !at.Before(killed) || at.Before(last) {
				t.Fatalf("snapshot %d is of %v, after one of %v; the exporter was killed at %v", old+1, at, last, killed)
			}
			last = at
		case <-time.After(time.Minute):
			t.Fatalf("only %d of the snapshots from before the kill arrived", old)
		}
	}
}
