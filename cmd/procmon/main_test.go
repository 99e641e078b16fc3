package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

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
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"FREE1", "FREE2"} {
				e.Setenv(name, program.Address(t))
			}
			return nil
		},
	})
}

func TestExampleConfigurationIsValid(t *testing.T) {
	if err := checkConfig([]string{filepath.Join("..", "..", "procmon.yaml")}, t.Output()); err != nil {
		t.Error(err)
	}
}
