//go:build linux

package wine_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const installedProgram = `C:\Program Files\procmon\procmon-exporter.exe` // as it is installed

// TestInstaller leads a host through the life of the package: refused, installed, upgraded
// while it runs and while it does not, failed, removed.
func TestInstaller(t *testing.T) {
	for _, tool := range []string{"wixl", "msibuild"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
	}
	h := newHost(t)
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	listen := "0.0.0.0:" + port // needs the token
	first, second := h.pack("v1.2.3"), h.pack("v1.3.0")

	t.Run("refuses", func(t *testing.T) { h.refuses(t, first, port) })

	token := `C:\token folder\a token`
	if !t.Run("install", func(t *testing.T) {
		h.write(token, "s3cret")
		h.install(t, first, "LISTEN="+listen, "TOKENFILE="+token)
		h.runs(t, port, "v1.2.3")
		h.configured(t, `"C:\Program Files\procmon\procmon-exporter.exe" service run`, "--web.listen-address="+listen, `"--web.token-file=`+token+`"`)
		if h.knows(t, `HKLM\SOFTWARE\procmon\exporter`, "firewall") {
			t.Error("the firewall was opened unasked")
		}
	}) {
		return
	}
	const config = `C:\ProgramData\procmon\exporter.yaml`
	const edited = "# edited by hand\nmetrics: {max_series: 1999}\n"
	h.write(config, edited)
	h.w.run(t, h.startManual, "procmon-exporter")

	t.Run("upgrade while it runs", func(t *testing.T) {
		h.install(t, second, "PUSHURL=http://127.0.0.1:1/push")
		h.runs(t, port, "v1.3.0")
		h.configured(t, "--web.listen-address="+listen, `"--web.token-file=`+token+`"`, "--push.url=http://127.0.0.1:1/push", "Start REG_DWORD 0x3")
	})
	t.Run("downgrade", func(t *testing.T) {
		if log, err := h.msiexec("/i", first); err == nil {
			t.Errorf("an older version was taken:\n%s", log)
		}
		h.runs(t, port, "v1.3.0")
	})
	t.Run("failed upgrade", func(t *testing.T) { h.failedUpgrade(t, port) })
	t.Run("upgrade while it is stopped", func(t *testing.T) {
		h.w.run(t, "net", "stop", "procmon-exporter")
		h.install(t, h.pack("v1.4.0"), "PUSHURL=none", "FIREWALL=1")
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			c.Close()
			t.Error("the upgrade started what was stopped")
		}
		h.configured(t, "--web.listen-address="+listen, "Start REG_DWORD 0x3")
		if strings.Contains(h.service(t), "--push.url") {
			t.Error("PUSHURL=none left the URL as it was")
		}
		if !h.knows(t, `HKLM\SOFTWARE\procmon\exporter`, "firewall") {
			t.Error("FIREWALL=1 made no rule")
		}
		if said, err := h.output(h.w.command(h.w.program, installedProgram, "service", "start")); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		h.runs(t, port, "v1.4.0")
	})
	if n := h.products(t); n != 1 {
		t.Errorf("%d products are installed", n)
	}
	t.Run("remove", func(t *testing.T) {
		h.removed(t)
		if got, err := os.ReadFile(h.path(config)); err != nil || string(got) != edited {
			t.Errorf("exporter.yaml is %q now, %v", got, err)
		}
	})
	t.Run("settings in a file elsewhere", func(t *testing.T) {
		const elsewhere = `C:\settings of ours\agent.yaml`
		h.write(elsewhere, "web: {listen_address: \""+listen+"\", token_file: '"+token+"'}\n")
		h.install(t, first, "CONFIG="+elsewhere)
		h.runs(t, port, "v1.2.3")
		h.install(t, second)
		h.runs(t, port, "v1.3.0")
		h.configured(t, `"--config.file=`+elsewhere+`"`)
		if strings.Contains(h.service(t), "--web.listen-address") {
			t.Error("the service has an address of its own beside the file")
		}
		h.removed(t)
		if _, err := os.Stat(h.path(elsewhere)); err != nil {
			t.Errorf("the file is gone: %v", err)
		}
	})
	t.Run("purge", func(t *testing.T) {
		// The address is allowed without a token here: the file could ask for one.
		h.install(t, first, "LISTEN=127.0.0.1:"+port)
		h.removed(t, "PURGE=1")
		if _, err := os.Stat(filepath.Dir(h.path(config))); !os.IsNotExist(err) {
			t.Errorf("the data are still there: %v", err)
		}
	})
}

// failedUpgrade takes the steps of the package itself: Wine keeps no copy of the files that
// an upgrade replaces, and so cannot put them back.
func (h *host) failedUpgrade(t *testing.T, port string) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	setup := func(args ...string) (string, error) {
		cmd := h.w.command(h.w.program, append([]string{h.setup}, args...)...)
		return h.output(cmd)
	}
	for _, test := range []struct{ name, listen, fails, want string }{
		{"what the exporter refuses", "127.0.0.1:99999", "configure", "--web.listen-address"},
		{"what shows at the start only", taken.Addr().String(), "release", "start service procmon-exporter: it ended"},
		{"what fails after all of ours", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := h.service(t)
			for _, step := range [][]string{{"hold"}, {"configure", installedProgram, "--web.listen-address", test.listen, "--push.url", ""}, {"release"}} {
				said, err := setup(step...)
				if step[0] == test.fails {
					if err == nil || !strings.Contains(said, test.want) {
						t.Errorf("got %v and %q, want %q", err, said, test.want)
					}
					break
				}
				if err != nil {
					t.Fatalf("%v: %v %s", step, err, said)
				}
			}
			for _, step := range [][]string{{"restore", installedProgram}, {"resume"}} {
				if said, err := setup(step...); err != nil {
					t.Errorf("%v: %v %s", step, err, said)
				}
			}
			h.runs(t, port, "v1.3.0")
			if after := h.service(t); after != before {
				t.Errorf("the service was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

func (h *host) refuses(t *testing.T, pack, port string) {
	// Wine ends at a launch condition without its message, which Windows writes into the log.
	const launch, exporter = "Evaluating launch conditions", "setup: procmon-exporter: --web.listen-address"
	tests := []struct{ name, property, last string }{
		{"a quotation mark", `TOKENFILE=C:\a"" --web.allow-anonymous ""b`, launch},
		{"a backslash at the end", `CONFIG=C:\folder\`, launch},
		{"no port", "LISTEN=127.0.0.1", launch},
		{"not a URL", "PUSHURL=ftp://example.com", launch},
		{"not a number", "FIREWALL=yes", launch},
		{"open to everybody", "LISTEN=0.0.0.0:" + port, launch},
		{"what only the exporter can know", "LISTEN=127.0.0.1:99999", exporter},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			log, err := h.msiexec("/i", pack, test.property)
			if _, after, ok := strings.Cut(log, test.last); err == nil || !ok || strings.Contains(after, "InstallFiles") {
				t.Errorf("got %v, and %q does not end the log:\n%s", err, test.last, log)
			}
			if _, err := os.Stat(h.path(`C:\Program Files\procmon`)); !os.IsNotExist(err) {
				t.Errorf("files are left: %v", err)
			}
			if s := h.service(t); s != "" {
				t.Errorf("a service is left: %s", s)
			}
			if h.knows(t, `HKLM\SOFTWARE\procmon`, "") {
				t.Error("HKLM\\SOFTWARE\\procmon is left")
			}
		})
	}
}
