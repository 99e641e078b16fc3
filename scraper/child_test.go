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
	"testing"
	"time"

	"github.com/procmon/procmon"
)

const childVariable = "PROCMON_TEST_SERVE"

// runChild makes of this process a server of one snapshot, if that is what it was started
// for, so that a benchmark counts no CPU but the scraper's. It ends with its standard input.
func runChild() {
	if os.Getenv(childVariable) == "" {
		return
	}
	plain := encode(fleetHost("WIN-HOST-001", time.Now(), 250))
	answers := map[string][]byte{"zstd": zstded(plain), "gzip": gzipped(plain), "identity": plain}
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
		_, _ = w.Write(answers[encoding])
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

// fleetHost returns a snapshot as a Windows host delivers it: all facts known, command lines
// of 200 bytes on average.
func fleetHost(name string, at time.Time, n int) *procmon.Snapshot {
	some := procmon.Some[string]
	s := &procmon.Snapshot{Hostname: name, Timestamp: at.UTC(), System: procmon.System{
		OS: some("Windows 11 Pro 23H2"), Processor: some("13th Gen Intel(R) Core(TM) i7-1365U"), Cores: procmon.Some[uint32](10), Threads: procmon.Some[uint32](12),
		RAMGB: procmon.Some(31.66), UsedRAMGB: procmon.Some(17.25), FreeRAMGB: procmon.Some(14.41), CPU: procmon.Some(7.5), BootTime: procmon.Some(at.Add(-50 * time.Hour).UTC()),
	}}
	commands := []string{
		`C:\Windows\System32\svchost.exe -k LocalServiceNetworkRestricted -p -s Dhcp`,
		`"C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer --string-annotations --lang=en-US --device-scale-factor=1.25 --num-raster-threads=4 --enable-main-frame-before-activation --renderer-client-id=%d --time-ticks-at-unix-epoch=-1795200000123456 --launch-time-ticks=%d --metrics-shmem-handle=3244,i,9327458234,4324234234 /prefetch:1`,
		`C:\Windows\System32\RuntimeBroker.exe -Embedding`,
		`"C:\Users\alice.martin\AppData\Local\Programs\Code\Code.exe" --user-data-dir=C:\Users\alice.martin\AppData\Roaming\Code --ipc-pipe=\\.\pipe\%016x-%d --log-level=info --max-old-space-size=4096 --inspect-port=0`,
	}
	for i := range n {
		command := commands[i%len(commands)]
		if strings.Contains(command, "%") {
			command = fmt.Sprintf(command, i*7919, i*104729)
		}
		s.Processes = append(s.Processes, procmon.Process{
			PID: uint32(4 * i), PPID: procmon.Some(uint32(i)), Name: path.Base(fmt.Sprintf("process-%d.exe", i%60)),
			CPU: procmon.Some(float64(i%40) / 10), Memory: procmon.Some(float64(i*104729%500000) / 1024), Cmdline: some(command), Username: some(`NT AUTHORITY\NETWORK SERVICE`),
			StartTime: procmon.Some(at.Add(-time.Duration(i) * 1234567891 * time.Microsecond).UTC()), Exe: some(`C:\Program Files\Vendor\Product\process.exe`),
			CPUSeconds: procmon.Some(float64(i) * 15.625), WorkingSetBytes: procmon.Some(uint64(i*104729) * 4096), PrivateBytes: procmon.Some(uint64(i*99991) * 4096),
			Threads: procmon.Some(uint32(i%90 + 1)), Handles: procmon.Some(uint32(i*37%3000 + 40)), ReadBytes: procmon.Some(uint64(i) * 1048573), WriteBytes: procmon.Some(uint64(i) * 524287),
			SessionID: procmon.Some(uint32(i % 2)),
		})
	}
	return s
}
