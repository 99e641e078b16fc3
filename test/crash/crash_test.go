// Package crash_test kills a server, again and again, while it is scraping and being pushed to,
// and looks for every snapshot that the server had acknowledged.
package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/procmon/procmon/test/program"
)

const (
	kills     = 20
	exporters = 20
	pushers   = 4
	pushKey   = "a-key-for-the-crash-test"
)

func TestNothingAcknowledgedIsLost(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a server 20 times, which takes about a minute")
	}
	dir := t.TempDir()
	fleet := newFleet(t)
	config := filepath.Join(dir, "procmon.yaml")
	path, address := program.Build(t, "procmon"), program.Address(t)
	start := func() *program.Process {
		if err := os.WriteFile(config, []byte(fleet.config()), 0o600); err != nil {
			t.Fatal(err)
		}
		server := program.Start(t, path, "server", "--config.file", config,
			"--storage.path", filepath.Join(dir, "data"), "--web.listen-address", address)
		server.Answers(t, "http://"+address+"/-/ready")
		return server
	}

	lookFor := func(acknowledged []sent, when string) {
		missing := 0
		for _, s := range acknowledged {
			if err := check(t.Context(), "http://"+address, s); err != nil {
				missing++
				t.Errorf("%s: %v", when, err)
			}
		}
		if missing > 0 {
			t.Fatalf("%d of %d acknowledged snapshots are lost", missing, len(acknowledged))
		}
	}

	random := rand.New(rand.NewPCG(1, 1))
	server := start()
	for kill := range kills {
		before := len(fleet.acknowledged())
		ctx, stop := context.WithCancel(t.Context())
		pushed := fleet.push(ctx, "http://"+address)

		// The kill comes at a random instant; three times of four when every exporter was scraped.
		if kill%4 != 3 {
			server.Until(t, "scrapes of all exporters", func(context.Context) error { return fleet.allScraped() })
		}
		select {
		case <-time.After(time.Duration(random.IntN(2500)) * time.Millisecond):
		case <-server.Done():
			t.Fatalf("the server ended by itself:\n%s", server.Output())
		}
		server.Kill()
		stop()
		<-pushed
		acknowledged := fleet.acknowledged()
		server = start()
		lookFor(acknowledged[before:], fmt.Sprintf("after kill %d", kill+1))
	}
	lookFor(fleet.acknowledged(), "in the end")
	scraped, pushed := fleet.counts()
	t.Logf("%d kills; %d scraped and %d pushed snapshots were acknowledged, all are there", kills, scraped, pushed)
	if scraped < kills*exporters/2 || pushed < kills {
		t.Errorf("only %d scrapes and %d pushes were acknowledged", scraped, pushed)
	}
}

// check looks for one acknowledged snapshot and compares what is in it.
func check(ctx context.Context, server string, s sent) error {
	at := s.at.Format(time.RFC3339Nano)
	body, err := program.Get(ctx, server+"/api/v1/hosts/"+url.PathEscape(s.host)+"/snapshot?at="+url.QueryEscape(at))
	if err != nil {
		return fmt.Errorf("%s at %s: %w", s.host, at, err)
	}
	var got struct {
		Timestamp time.Time
		Processes []struct{ Cmdline string }
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return err
	}
	if !got.Timestamp.Equal(s.at) {
		return fmt.Errorf("%s at %s: the newest snapshot there is of %s", s.host, at, got.Timestamp.Format(time.RFC3339Nano))
	}
	if len(got.Processes) != 1 || got.Processes[0].Cmdline != s.cmdline() {
		return fmt.Errorf("%s at %s: processes %v, want one with command line %q", s.host, at, got.Processes, s.cmdline())
	}
	return nil
}

// push pushes snapshots from several hosts until ctx ends; the channel is closed after the last.
func (f *fleet) push(ctx context.Context, server string) <-chan struct{} {
	ended := make(chan struct{}, pushers)
	for i := range pushers {
		go func() {
			defer func() { ended <- struct{}{} }()
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-pace.C:
					f.pushOne(ctx, server, fmt.Sprintf("pushed-%02d", i))
				}
			}
		}()
	}
	all := make(chan struct{})
	go func() {
		for range pushers {
			<-ended
		}
		close(all)
	}()
	return all
}

func (f *fleet) pushOne(ctx context.Context, server, host string) {
	s := f.next(host)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/api/process-data/", bytes.NewReader(s.payload()))
	if err != nil {
		f.t.Error(err)
		return
	}
	req.Header.Set("Authorization", "Token "+pushKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return // killed
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusCreated:
		f.acknowledge(s)
	case http.StatusTooManyRequests:
	default:
		f.t.Errorf("push: %s", resp.Status)
	}
}

// config returns the procmon.yaml of the next server. Its number is in every scrape.
func (f *fleet) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, `
global: {scrape_interval: 1s, scrape_timeout: 1s}
push: {tokens: [%q]}
scrape_configs:
  - job_name: fleet
    params: {server: ["%d"]}
    static_configs:
      - targets:
`, pushKey, f.newServer())
	for _, e := range f.exporters {
		fmt.Fprintf(&b, "        - %s\n", e.server.Listener.Addr())
	}
	return b.String()
}
