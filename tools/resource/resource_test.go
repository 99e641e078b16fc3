package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tc-hib/winres"
	"github.com/tc-hib/winres/version"
)

// TestWrite links the resources as a release does and reads them back from the program.
func TestWrite(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"go.mod": "module hello\n", "main.go": "package main\n\nfunc main() {}\n"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := program{version: "v1.2.3-4-gabcdef", file: "procmon-exporter.exe", description: "procmon exporter", icon: "../../deploy/windows/procmon.ico"}
			if err := write(filepath.Join(dir, "rsrc_windows_"+arch+".syso"), arch, p); err != nil {
				t.Fatal(err)
			}
			build := exec.Command("go", "build", "-o", "hello.exe", ".")
			build.Dir = dir
			build.Env = append(os.Environ(), "GOOS=windows", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			checkResources(t, filepath.Join(dir, "hello.exe"))
		})
	}
}

func checkResources(t *testing.T, exe string) {
	t.Helper()
	f, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rs, err := winres.LoadFromEXE(f)
	if err != nil {
		t.Fatal(err)
	}
	info, err := version.FromBytes(rs.Get(winres.RT_VERSION, winres.ID(1), english))
	if err != nil {
		t.Fatal(err)
	}
	if want := [4]uint16{1, 2, 3, 0}; info.FileVersion != want || info.ProductVersion != want {
		t.Errorf("the numbers are %v and %v, want %v", info.FileVersion, info.ProductVersion, want)
	}
	table, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		version.CompanyName: "procmon", version.FileDescription: "procmon exporter", version.OriginalFilename: "procmon-exporter.exe",
		version.FileVersion: "v1.2.3-4-gabcdef", version.ProductVersion: "v1.2.3-4-gabcdef",
	} {
		if pair := fmt.Sprintf("%q:%q", key, want); !strings.Contains(string(table), pair) {
			t.Errorf("%s is missing in %s", pair, table)
		}
	}
	icon, err := rs.GetIcon(winres.ID(1))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := icon.SaveICO(&got); err != nil {
		t.Fatal(err)
	}
	if want, err := os.ReadFile("../../deploy/windows/procmon.ico"); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got another icon of %d bytes, error %v", got.Len(), err)
	}
	manifest, err := winres.AppManifestFromXML(rs.Get(winres.RT_MANIFEST, winres.ID(1), english))
	if err != nil || manifest.ExecutionLevel != winres.AsInvoker || !manifest.LongPathAware || manifest.Compatibility != winres.Win10AndAbove {
		t.Errorf("got manifest %+v, error %v", manifest, err)
	}
}
