package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/procmon/procmon/test/program"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"procmon": func() { os.Exit(execute(context.Background(), os.Args, os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"until": until, "post": post, "push": push, "cutshort": cutShort, "damage": damage,
		},
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"FREE1", "FREE2"} {
				e.Setenv(name, program.Address(t))
			}
			e.Setenv("FIRST", time.Now().UTC().Add(-time.Minute).Format(time.RFC3339))
			e.Setenv("SECOND", time.Now().UTC().Format(time.RFC3339))
			return nil
		},
	})
}

func TestHangupReloads(t *testing.T) {
	config, address := filepath.Join(t.TempDir(), "procmon.yaml"), program.Address(t)
	configure := func(job string) {
		text := "scrape_configs: [{job_name: " + job + `, static_configs: [{targets: ["127.0.0.1:1"]}]}]`
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("first")
	server := program.Start(t, program.Build(t, "procmon"), "server", "--config.file", config,
		"--storage.path", filepath.Join(t.TempDir(), "data"), "--web.listen-address", address)
	server.Answers(t, "http://"+address+"/-/ready")
	configure("second")
	if err := server.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	server.Until(t, "the second configuration", func(ctx context.Context) error {
		body, err := program.Get(ctx, "http://"+address+"/api/v1/targets")
		if err == nil && !strings.Contains(string(body), `"job":"second"`) {
			err = errors.New(string(body))
		}
		return err
	})
}

// until URL TEXT waits for an answer to a GET that has TEXT in it.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: until URL TEXT")
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		body, err := program.Get(context.Background(), args[0])
		if err == nil && strings.Contains(string(body), args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("GET %s: %v %s", args[0], err, body)
		}
		runtime.Gosched()
	}
}

// post URL STATUS TEXT wants a POST to be answered with the status and TEXT.
func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: post URL STATUS TEXT")
	}
	resp, err := http.Post(args[0], "", nil)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[1] || !strings.Contains(string(body), args[2]) {
		ts.Fatalf("POST %s: %s %s", args[0], resp.Status, body)
	}
}

// push URL FILE delivers a snapshot, in which variables are replaced.
func push(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: push URL FILE")
	}
	r, err := http.NewRequest(http.MethodPost, args[0], strings.NewReader(os.Expand(ts.ReadFile(args[1]), ts.Getenv)))
	ts.Check(err)
	r.Header.Set("Authorization", "Token a-key-that-is-long-enough-to-be-random")
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusCreated {
		ts.Fatalf("POST %s: %s %s %v", args[0], resp.Status, body, err)
	}
}

// cutshort FROM TO copies all of a file but its last bytes.
func cutShort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cutshort FROM TO")
	}
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data[:len(data)-9], 0o600))
}

// damage DIRECTORY changes a byte in the middle of the largest table of a history.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage DIRECTORY")
	}
	tables, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "db", "*.sst"))
	ts.Check(err)
	var largest []byte
	var name string
	for _, table := range tables {
		data, err := os.ReadFile(table)
		ts.Check(err)
		if len(data) > len(largest) {
			largest, name = data, table
		}
	}
	if name == "" {
		ts.Fatalf("there is no table in %s", args[0])
	}
	largest[len(largest)/4] ^= 1
	ts.Check(os.WriteFile(name, largest, 0o600))
}

func TestExampleConfigurationIsValid(t *testing.T) {
	if err := checkConfig([]string{filepath.Join("..", "..", "procmon.yaml")}, t.Output()); err != nil {
		t.Error(err)
	}
}
