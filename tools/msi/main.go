// Msi builds the Windows Installer package of procmon-exporter with wixl, and adds with
// msibuild (both of https://gitlab.gnome.org/GNOME/msitools) what wixl cannot say.
//
//	go run ./msi -version v1.2.3 -arch amd64 -source ../deploy/windows -license ../LICENSE \
//	  -exporter procmon-exporter.exe -setup setup.exe -o procmon-exporter.msi
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/procmon/procmon/tools/internal/release"
)

type pack struct {
	version, arch            string
	source, license          string // the folder with the .wxs and the icon; the text of the licence
	exporter, setup, product string // the programs, and the package to write
}

func main() {
	var p pack
	flag.StringVar(&p.version, "version", "", "version, like v1.2.3-4-gabcdef")
	flag.StringVar(&p.arch, "arch", "amd64", "amd64 or arm64")
	flag.StringVar(&p.source, "source", "", "folder with procmon-exporter.wxs")
	flag.StringVar(&p.license, "license", "", "text of the licence")
	flag.StringVar(&p.exporter, "exporter", "", "the exporter, built for Windows")
	flag.StringVar(&p.setup, "setup", "", "deploy/windows/setup, built for Windows")
	flag.StringVar(&p.product, "o", "", "package to write")
	flag.Parse()
	if err := p.build(); err != nil {
		fmt.Fprintln(os.Stderr, "msi:", err)
		os.Exit(1)
	}
}

func (p *pack) build() error {
	// The template of the summary: https://learn.microsoft.com/en-us/windows/win32/msi/template-summary.
	template, ok := map[string]string{"amd64": "x64;1033", "arm64": "Arm64;1033"}[p.arch]
	if !ok {
		return fmt.Errorf("-arch %s: amd64 and arm64 are allowed", p.arch)
	}
	number, err := release.Product(p.version)
	if err != nil {
		return err
	}
	// wixl finds files only in the folder it runs in.
	stage, err := os.MkdirTemp("", "procmon-msi")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	for name, from := range map[string]string{
		"procmon-exporter.wxs":  filepath.Join(p.source, "procmon-exporter.wxs"),
		"procmon.ico":           filepath.Join(p.source, "procmon.ico"),
		"exporter.example.yaml": filepath.Join(p.source, "..", "exporter.yaml"),
		"LICENSE.txt":           p.license,
		"procmon-exporter.exe":  p.exporter,
		"setup.exe":             p.setup,
	} {
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(stage, name), content, 0o600); err != nil {
			return err
		}
	}
	// wixl knows no arm64; it and amd64 differ in nothing else.
	if err := tool(stage, "wixl", "--arch", "x64", "--output", "out.msi",
		"-D", "Version="+p.version, "-D", "ProductVersion="+number, "-D", "ProductCode="+release.ProductCode(p.version, p.arch),
		"procmon-exporter.wxs"); err != nil {
		return err
	}
	if err := tool(stage, "msibuild", "out.msi", "-s", "procmon exporter "+p.version, "procmon", template); err != nil {
		return err
	}
	args := []string{"out.msi"}
	for _, query := range statements(number) {
		args = append(args, "-q", query)
	}
	if err := tool(stage, "msibuild", args...); err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(stage, "out.msi"))
	if err != nil {
		return err
	}
	return os.WriteFile(p.product, content, 0o644)
}

// tool runs a program of msitools. A warning of theirs is a mistake of ours.
func tool(dir, name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		return fmt.Errorf("%s says:\n%s", name, text)
	}
	return nil
}
