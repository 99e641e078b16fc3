package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// repository is a folder that looks like the repository after make. All its programs are one
// for each system: what counts is that they are of Go and have modules.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for goos, names := range map[string][]string{
		"windows": {"procmon-exporter-amd64.exe", "procmon-exporter-arm64.exe"},
		"linux":   {"linux-amd64/procmon", "linux-amd64/procmon-exporter", "linux-arm64/procmon", "linux-arm64/procmon-exporter"},
	} {
		program := filepath.Join(dir, goos)
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, "./cmd/procmon-exporter")
		build.Dir = root
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH=amd64")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		for _, name := range names {
			if err := os.MkdirAll(filepath.Join(dir, "bin", filepath.Dir(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(program, filepath.Join(dir, "bin", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, arch := range architectures {
		if err := os.WriteFile(filepath.Join(dir, "bin", "procmon-exporter-v1.2.3-"+arch+".msi"), []byte(arch), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"LICENSE", "README.md", "procmon.yaml", "deploy/exporter.yaml", "deploy/windows/README.md", "webui/app/package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuild(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	r := release{version: "v1.2.3", root: repository(t), out: filepath.Join(t.TempDir(), "dist")}
	if err := r.build(); err != nil {
		t.Fatal(err)
	}
	sums := read(t, r.out, "SHA256SUMS")
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = r.out
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"procmon-exporter-v1.2.3-windows-amd64.zip", "procmon-exporter-v1.2.3-windows-arm64.zip", "procmon-exporter-v1.2.3-amd64.msi", "procmon-exporter-v1.2.3-arm64.msi",
		"procmon-v1.2.3-linux-amd64.tar.gz", "procmon-v1.2.3-linux-arm64.tar.gz", "procmon-v1.2.3.cdx.json",
	} {
		if !strings.Contains(string(sums), "  "+want+"\n") {
			t.Errorf("%s is missing in\n%s", want, sums)
		}
	}
	if got, want := unzip(t, r.out, "procmon-exporter-v1.2.3-windows-arm64"), []string{"procmon-exporter.exe", "LICENSE.txt", "README.md", "exporter.yaml"}; !slices.Equal(got, want) {
		t.Errorf("the zip has %q, want %q", got, want)
	}
	if got, want := untar(t, r.out, "procmon-v1.2.3-linux-amd64"), []string{"procmon", "procmon-exporter", "LICENSE", "README.md", "procmon.yaml", "exporter.yaml"}; !slices.Equal(got, want) {
		t.Errorf("the tar has %q, want %q", got, want)
	}
	checkSBOM(t, r.out)

	if err := os.WriteFile(filepath.Join(r.out, "stale"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.build(); err != nil {
		t.Fatal(err)
	}
	if again := read(t, r.out, "SHA256SUMS"); !bytes.Equal(again, sums) {
		t.Errorf("a second run gives\n%s\nand not\n%s", again, sums)
	}
}

func checkSBOM(t *testing.T, out string) {
	t.Helper()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(read(t, out, "procmon-v1.2.3.cdx.json")), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if bom.SpecVersion < cdx.SpecVersion1_5 || bom.BOMFormat != "CycloneDX" || bom.Metadata.Timestamp != "2023-11-14T22:13:20Z" {
		t.Errorf("got %v %s of %s", bom.SpecVersion, bom.BOMFormat, bom.Metadata.Timestamp)
	}
	seen := map[string]bool{}
	for _, c := range *bom.Components {
		if seen[c.BOMRef] {
			t.Errorf("%s is there twice", c.BOMRef)
		}
		seen[c.BOMRef] = true
		if c.Name != "std" && (c.Hashes == nil || len((*c.Hashes)[0].Value) < 64 || c.Version == "") {
			t.Errorf("%s has too little: %+v", c.BOMRef, c)
		}
	}
	for _, prefix := range []string{"procmon-exporter windows/arm64", "procmon linux/amd64", "pkg:golang/std@v1.", "pkg:golang/github.com/urfave/cli/v2@v2.", "pkg:golang/golang.org/x/sys@v0.", "pkg:npm/svelte@5."} {
		if !slices.ContainsFunc(*bom.Components, func(c cdx.Component) bool { return strings.HasPrefix(c.BOMRef, prefix) }) {
			t.Errorf("%s is missing", prefix)
		}
	}
	for _, d := range *bom.Dependencies {
		for _, ref := range *d.Dependencies {
			if !seen[ref] {
				t.Errorf("%s depends on %s, which is not listed", d.Ref, ref)
			}
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, version := range []string{"", "v1/2", "a b"} {
		r := release{version: version, root: ".", out: t.TempDir()}
		if err := r.build(); err == nil {
			t.Errorf("the version %q was taken", version)
		}
	}
	t.Setenv("SOURCE_DATE_EPOCH", "today")
	r := release{version: "v1.2.3", root: ".", out: t.TempDir()}
	if err := r.build(); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
		t.Errorf("got %v", err)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unzip returns the names in an archive below its folder.
func unzip(t *testing.T, dir, name string) (names []string) {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join(dir, name+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if f.UncompressedSize64 == 0 || f.Modified.Unix() != 1700000000 {
			t.Errorf("%s has %d bytes of %v", f.Name, f.UncompressedSize64, f.Modified)
		}
		names = append(names, strings.TrimPrefix(f.Name, name+"/"))
	}
	return names
}

func untar(t *testing.T, dir, name string) (names []string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(read(t, dir, name+".tar.gz")))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if executable := !strings.Contains(header.Name, ".yaml") && !strings.HasSuffix(header.Name, "LICENSE") && !strings.HasSuffix(header.Name, ".md"); executable != (header.Mode == 0o755) || header.ModTime.Unix() != 1700000000 {
			t.Errorf("%s has mode %o of %v", header.Name, header.Mode, header.ModTime)
		}
		names = append(names, strings.TrimPrefix(header.Name, name+"/"))
	}
}
