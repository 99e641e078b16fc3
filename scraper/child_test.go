package scraper_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/workload"
)

const childVariable = "PROCMON_TEST_SERVE"

// runChild makes of this process a server of the snapshots of a host, one after the other, if
// that is what it was started for, so that a benchmark counts no CPU but the scraper's. It ends
// with its standard input.
func runChild() {
	if os.Getenv(childVariable) == "" {
		return
	}
	const steps = 100 // enough for the wrap to be rare; all before the limit on clocks ahead
	answers := map[string][][]byte{}
	host := workload.New(1, 0)
	for i := range steps {
		s := host.Snapshot()
		s.Timestamp = time.Now().UTC().Add(time.Duration(i) * time.Second)
		plain := encode(s)
		answers["identity"] = append(answers["identity"], plain)
		answers["zstd"] = append(answers["zstd"], zstded(plain))
		answers["gzip"] = append(answers["gzip"], gzipped(plain))
	}
	var served atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encoding := path.Base(r.URL.Path)
		w.Header().Set("Content-Type", procmon.ContentType)
		if encoding != "identity" {
			w.Header().Set("Content-Encoding", encoding)
		}
		_, _ = w.Write(answers[encoding][served.Add(1)%steps])
	}))
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// startChild starts this program again as a server, and returns its address.
func startChild(b *testing.B) string {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}
