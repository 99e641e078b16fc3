// Command fixedtime serves the pages and the API over snapshots from its standard input, by a
// clock that stands still, so that what they show is the same on every day:
//
//	fixedtime -now 2026-03-10T09:30:00Z -storage DIR < LINES
//
// Each line is a JSON object with what to store, or with a target to show:
//
//	{"labels": {"site": "graz"}, "snapshot": {…}}
//	{"target": {"Job": "windows", "ScrapeURL": "http://10.0.0.7:9910/snapshot", "Health": "up", …}}
//
// When all is stored it prints the address that it serves.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/storage"
	"github.com/procmon/procmon/webui"
)

const maxLine = 64 << 20 // bytes

func main() {
	now := flag.String("now", "", "the instant at which time stands still, RFC 3339")
	path := flag.String("storage", "", "an empty directory")
	flag.Parse()
	if err := run(*now, *path, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fixedtime:", err)
		os.Exit(1)
	}
}

func run(instant, path string, in io.Reader, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	now, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		return fmt.Errorf("-now: %w", err)
	}
	clock := func() time.Time { return now }
	store, err := storage.Open(path, storage.Options{Clock: clock})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	targets, err := fill(ctx, store, in)
	if err != nil {
		return err
	}
	pages, err := webui.New(webui.Options{Store: store, Clock: clock, Targets: func() []procmon.TargetStatus { return targets }})
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	date := now.UTC().Format(http.TimeFormat) // the pages set their clock by it
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", date)
		pages.ServeHTTP(w, r)
	})}
	defer context.AfterFunc(ctx, func() {
		_ = server.Close()
		pages.Close()
	})()
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// line is one of the input.
type line struct {
	Labels   map[string]string
	Snapshot json.RawMessage
	Target   *procmon.TargetStatus
}

// fill stores the snapshots of in, those of one host in their order, and returns its targets.
func fill(ctx context.Context, store *storage.Store, in io.Reader) (targets []procmon.TargetStatus, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	records := map[string][]procmon.Record{}
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if l.Target != nil {
			targets = append(targets, *l.Target)
			continue
		}
		snapshot, err := procmon.Decode(l.Snapshot)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		host := snapshot.Hostname
		records[host] = append(records[host], procmon.Record{Host: host, Labels: l.Labels, Snapshot: snapshot})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	appends, ctx := errgroup.WithContext(ctx)
	for _, ofHost := range records {
		appends.Go(func() error {
			for _, r := range ofHost {
				if err := store.Append(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return targets, appends.Wait()
}
