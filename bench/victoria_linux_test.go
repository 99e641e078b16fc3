package bench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procmon/procmon"
	"github.com/procmon/procmon/test/program"
)

// victoria is VictoriaMetrics as Debian has it, a program of its own that gets text over HTTP
// and is asked over HTTP. What that costs on its side is counted, what it costs here is not. It
// answers before what it got is on the disk.
type victoria struct {
	*program.Process
	client http.Client
	base   string
	dir    string
	body   bytes.Buffer
	newest map[string]time.Time
	known  map[victoriaProcess]*[info + 1]string
	ended  bool
}

type victoriaProcess struct {
	host string
	id   procmon.ProcessID
}

func openVictoria(b *testing.B, dir string) history {
	path, err := exec.LookPath("victoria-metrics")
	if err != nil {
		const message = "victoria-metrics is not installed; on Debian: apt-get install victoria-metrics"
		fmt.Fprintf(os.Stderr, "%s is skipped: %s\n", b.Name(), message) // go test shows what Skip says with -v alone
		b.Skip(message)
	}
	address := program.Address(b)
	v := &victoria{
		base: "http://" + address, dir: dir,
		newest: make(map[string]time.Time), known: make(map[victoriaProcess]*[info + 1]string),
	}
	v.Process = program.Start(b, path, "-storageDataPath="+dir, "-httpListenAddr="+address, "-retentionPeriod=100y", "-loggerLevel=WARN")
	v.Answers(b, v.base+"/health")
	return v
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// append posts the text of each host's scrape by itself.
func (v *victoria) append(ctx context.Context, round []procmon.Record) error {
	for _, r := range round {
		v.newest[r.Host] = r.Snapshot.Timestamp
		v.body.Reset()
		for i := range r.Snapshot.Processes {
			p := &r.Snapshot.Processes[i]
			key := victoriaProcess{r.Host, p.ID()}
			series := v.known[key]
			if series == nil {
				series = new([info + 1]string)
				for n := range figures {
					var pairs []string
					list := labelsOf(n, r.Host, p)
					for i := 2; i < len(list); i += 2 {
						pairs = append(pairs, list[i]+`="`+escape.Replace(list[i+1])+`"`)
					}
					series[n] = figures[n].name + "{" + strings.Join(pairs, ",") + "} "
				}
				v.known[key] = series
			}
			for n, f := range figures {
				v.body.WriteString(series[n])
				v.body.Write(strconv.AppendFloat(v.body.AvailableBuffer(), f.value(p), 'f', -1, 64))
				v.body.WriteByte('\n')
			}
		}
		path := "/api/v1/import/prometheus?timestamp=" + strconv.FormatInt(r.Snapshot.Timestamp.UnixMilli(), 10)
		if _, err := v.do(ctx, http.MethodPost, path, bytes.NewReader(v.body.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

func (v *victoria) do(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, v.base+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return answer, err
}

// ask counts how often a text is in the answer to a query.
func (v *victoria) ask(ctx context.Context, query string, at time.Time, text string) (int, error) {
	values := url.Values{
		"query": {query}, "step": {"15s"}, "nocache": {"1"},
		"time": {strconv.FormatFloat(float64(at.UnixMilli())/1e3, 'f', 3, 64)},
	}
	answer, err := v.do(ctx, http.MethodGet, "/api/v1/query?"+values.Encode(), http.NoBody)
	return bytes.Count(answer, []byte(text)), err
}

func (v *victoria) minute(context.Context, time.Time) error { return nil } // it goes by the real time

func (v *victoria) table(ctx context.Context, host string, at time.Time) (int, error) {
	if at.IsZero() {
		at = v.newest[host]
	}
	return v.ask(ctx, fmt.Sprintf(`{instance=%q}`, host), at, `"__name__":"`+figures[0].name+`"`)
}

// processCPU asks for the samples as they came.
func (v *victoria) processCPU(ctx context.Context, host string, p *procmon.Process, from, to time.Time) (int, error) {
	query := fmt.Sprintf(`%s{instance=%q,pid="%d"}[%ds]`, figures[0].name, host, p.PID, int(to.Sub(from).Seconds()))
	return v.ask(ctx, query, to, `"]`)
}

func (v *victoria) top(ctx context.Context, host string, from, to time.Time) (int, error) {
	return v.ask(ctx, topQuery(host, from, to), to, `"metric":`)
}

// disk leaves out caches, which it can do without.
func (v *victoria) disk() (all, logs int64, err error) {
	all, err = allocated(v.dir, "cache", "tmp")
	return all, 0, err
}

// show does at once what would be done some seconds later.
func (v *victoria) show(ctx context.Context) error {
	_, err := v.do(ctx, http.MethodGet, "/internal/force_flush", http.NoBody)
	return err
}

var merging = regexp.MustCompile(`(?m)^vm_(active_force_merges|active_merges\{.*\}|pending_rows\{.*\}) [1-9]`)

// settle merges all into one part, as VictoriaMetrics does by itself some hours later.
func (v *victoria) settle(ctx context.Context) error {
	if err := v.show(ctx); err != nil {
		return err
	}
	if _, err := v.do(ctx, http.MethodGet, "/internal/force_merge", http.NoBody); err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for quiet := 0; quiet < 10; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		metrics, err := v.do(ctx, http.MethodGet, "/metrics", http.NoBody)
		if err != nil {
			return err
		}
		if quiet++; merging.Match(metrics) {
			quiet = 0
		}
	}
	return nil
}

func (v *victoria) close() error {
	if v.ended {
		return nil
	}
	v.ended = true
	v.client.CloseIdleConnections()
	if err := v.Process.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	<-v.Done()
	if !v.ProcessState.Success() {
		return errors.New(v.ProcessState.String() + ": " + v.Output())
	}
	return nil
}

func (v *victoria) pid() int { return v.Process.Process.Pid }
