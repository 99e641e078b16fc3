// Dist puts what make has built into archives, one for each system and architecture, with a
// list of all that is in the programs (an SBOM) and checksums. Two runs over the same programs
// give the same bytes: files have one order, and one time, that of the commit.
//
//	go run ./dist -version v1.2.3 -root .. -o ../dist
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// release is what is put together.
type release struct {
	version   string
	root, out string // of the repository; the folder to write
	time      time.Time
}

func main() {
	var r release
	flag.StringVar(&r.version, "version", "", "version, like v1.2.3")
	flag.StringVar(&r.root, "root", "..", "the repository, with bin/ built")
	flag.StringVar(&r.out, "o", "", "folder to write; what is in it goes")
	flag.Parse()
	if err := r.build(); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

var architectures = []string{"amd64", "arm64"}

func (r *release) build() (err error) {
	if r.version == "" || strings.ContainsAny(r.version, `/\ `) {
		return fmt.Errorf("-version %q is not the name of a version", r.version)
	}
	if r.time, err = commitTime(r.root); err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	var programs []program
	for _, arch := range architectures {
		windows := fmt.Sprintf("procmon-exporter-%s-windows-%s", r.version, arch)
		exe := r.path("bin/procmon-exporter-" + arch + ".exe")
		if err := r.zip(windows, []file{
			{"procmon-exporter.exe", exe, 0o755},
			{"LICENSE.txt", r.path("LICENSE"), 0o644},
			{"README.md", r.path("deploy/windows/README.md"), 0o644},
			{"exporter.yaml", r.path("deploy/exporter.yaml"), 0o644},
		}); err != nil {
			return err
		}
		linux := fmt.Sprintf("procmon-%s-linux-%s", r.version, arch)
		server, exporter := r.path("bin/linux-"+arch+"/procmon"), r.path("bin/linux-"+arch+"/procmon-exporter")
		if err := r.tarball(linux, []file{
			{"procmon", server, 0o755},
			{"procmon-exporter", exporter, 0o755},
			{"LICENSE", r.path("LICENSE"), 0o644},
			{"README.md", r.path("README.md"), 0o644},
			{"procmon.yaml", r.path("procmon.yaml"), 0o644},
			{"exporter.yaml", r.path("deploy/exporter.yaml"), 0o644},
		}); err != nil {
			return err
		}
		msi := fmt.Sprintf("procmon-exporter-%s-%s.msi", r.version, arch)
		if err := copyFile(filepath.Join(r.out, msi), r.path("bin/"+msi)); err != nil {
			return err
		}
		programs = append(programs,
			program{"procmon-exporter", "windows/" + arch, exe},
			program{"procmon", "linux/" + arch, server},
			program{"procmon-exporter", "linux/" + arch, exporter})
	}
	if err := r.sbom("procmon-"+r.version+".cdx.json", programs); err != nil {
		return err
	}
	return r.checksums("SHA256SUMS")
}

func (r *release) path(name string) string { return filepath.Join(r.root, filepath.FromSlash(name)) }

// commitTime is SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/),
// or else the time of the last commit, or else 1980, the first that a zip can say.
func commitTime(root string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := exec.CommandContext(context.Background(), "git", "-C", root, "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), nil
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %q is not a number of seconds", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
