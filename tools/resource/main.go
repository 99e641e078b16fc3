// Resource writes what Windows shows of a program (version, company, icon) and its manifest
// as an object file, which the Go linker takes from the program's folder by its name.
//
//	go run ./resource -version 1.2.3 -arch amd64 -icon procmon.ico -o rsrc_windows_amd64.syso
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/tc-hib/winres"
	"github.com/tc-hib/winres/version"

	"github.com/procmon/procmon/tools/internal/release"
)

// program is what the resources say of it.
type program struct {
	version     string // as in --version; its numbers are taken for Windows
	file        string // the name it is installed under
	description string
	icon        string // an .ico file
}

const english = 0x0409 // en-US, https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-lcid/

func main() {
	var p program
	flag.StringVar(&p.version, "version", "", "version, like v1.2.3-4-gabcdef")
	flag.StringVar(&p.file, "file", "procmon-exporter.exe", "name of the program's file")
	flag.StringVar(&p.description, "description", "procmon exporter", "what Windows shows as the program's name")
	flag.StringVar(&p.icon, "icon", "", "the program's icon, an .ico file")
	arch := flag.String("arch", "amd64", "amd64 or arm64")
	out := flag.String("o", "", "object file to write")
	flag.Parse()
	if err := write(*out, *arch, p); err != nil {
		fmt.Fprintln(os.Stderr, "resource:", err)
		os.Exit(1)
	}
}

func write(path, arch string, p program) error {
	rs, err := resources(p)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := rs.WriteObject(f, winres.Arch(arch)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.Close()
}

func resources(p program) (*winres.ResourceSet, error) {
	rs := &winres.ResourceSet{}
	f, err := os.Open(p.icon)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	icon, err := winres.LoadICO(f)
	if err != nil {
		return nil, fmt.Errorf("icon %s: %w", p.icon, err)
	}
	if err := rs.SetIcon(winres.ID(1), icon); err != nil {
		return nil, fmt.Errorf("icon %s: %w", p.icon, err)
	}
	rs.SetManifest(winres.AppManifest{
		Compatibility:  winres.Win10AndAbove,
		ExecutionLevel: winres.AsInvoker,
		LongPathAware:  true,
	})
	numbers := release.Numbers(p.version)
	info := version.Info{FileVersion: numbers, ProductVersion: numbers, Type: version.App}
	for key, value := range map[string]string{
		version.CompanyName:      "procmon",
		version.FileDescription:  p.description,
		version.FileVersion:      p.version,
		version.InternalName:     p.file,
		version.LegalCopyright:   "Copyright the procmon authors. Apache License 2.0.",
		version.OriginalFilename: p.file,
		version.ProductName:      "procmon",
		version.ProductVersion:   p.version,
	} {
		if err := info.Set(english, key, value); err != nil {
			return nil, fmt.Errorf("version resource: %s: %w", key, err)
		}
	}
	rs.SetVersionInfo(info)
	return rs, nil
}
