package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// need skips a test where a tool is not installed, except in CI.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// hello is a program for Windows.
func hello(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module hello\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", "hello.exe", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "hello.exe")
}

func packed(t *testing.T, arch, program string) string {
	t.Helper()
	p := pack{
		version: "v1.2.3-4-gabcdef", arch: arch, source: "../../deploy/windows", license: "../../LICENSE",
		exporter: program, setup: program, product: filepath.Join(t.TempDir(), "out.msi"),
	}
	if err := p.build(); err != nil {
		t.Fatal(err)
	}
	return p.product
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestPackage(t *testing.T) {
	need(t, "wixl", "msibuild", "msiinfo")
	program := hello(t)
	for arch, template := range map[string]string{"amd64": "Template: x64;1033", "arm64": "Template: Arm64;1033"} {
		pack := packed(t, arch, program)
		if got := run(t, "msiinfo", "suminfo", pack); !strings.Contains(got, template) || !strings.Contains(got, "procmon exporter v1.2.3-4-gabcdef") {
			t.Errorf("%s: the summary is\n%s", arch, got)
		}
		for table, rows := range map[string][]string{
			"CustomAction": {"Hold\t3074\tsetup.exe\thold", "Resume\t3394\t", "Restore\t3394\t", "Commit\t3650\t", `--web.listen-address "[LISTEN]"`},
			"Upgrade":      {"0.0.0\t1.2.3\t\t768\t\tOLDERFOUND", "1.2.3\t\t\t2\t\tNEWERFOUND", upgradeCode},
			"File":         {"\t1.2.3.0\t1033\t", "PROCMON.EXE|procmon-exporter.exe"},
			"Property":     {"ProductVersion\t1.2.3", "REBOOT\tReallySuppress", ";TOKENFILE;", "UpgradeCode\t" + upgradeCode, "ARPNOMODIFY\t1"},
			"AppSearch":    {"DATACONFIG\tConfig"},
		} {
			got := strings.ReplaceAll(run(t, "msiinfo", "export", pack, table), "\r\n", "\n")
			for _, row := range rows {
				if !strings.Contains(got, row) {
					t.Errorf("%s: %q is missing in table %s:\n%s", arch, row, table, got)
				}
			}
		}
		if actions := strings.Count(run(t, "msiinfo", "export", pack, "CustomAction"), "\tsetup.exe\t"); actions != len(actionTypes()) {
			t.Errorf("%s: the package has %d actions, types are known of %d", arch, actions, len(actionTypes()))
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, p := range map[string]pack{
		"another architecture": {version: "v1.2.3", arch: "386"},
		"too high a version":   {version: "v300.0.0", arch: "amd64"},
		"no program":           {version: "v1.2.3", arch: "amd64", source: "../../deploy/windows", license: "../../LICENSE"},
	} {
		p.product = filepath.Join(t.TempDir(), "out.msi")
		if err := p.build(); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

// TestSign signs with a certificate of its own, and lets osslsigncode say whether that is good.
func TestSign(t *testing.T) {
	need(t, "wixl", "msibuild", "osslsigncode")
	certificate, key := selfSigned(t)
	program := hello(t)
	pack := packed(t, "amd64", program)
	sign := func(settings ...string) error {
		cmd := exec.Command("../../deploy/windows/sign.sh", program, pack)
		cmd.Env = append(os.Environ(), settings...)
		return cmd.Run()
	}
	before, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	if err := sign(); err != nil {
		t.Errorf("without a certificate: %v", err)
	}
	if after, err := os.ReadFile(pack); err != nil || string(after) != string(before) {
		t.Errorf("without a certificate the package changed, %v", err)
	}
	if err := sign("SIGN_CERT=" + certificate); err == nil {
		t.Error("a certificate without its key was taken")
	}
	if err := sign("SIGN_CERT="+certificate, "SIGN_KEY="+key); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{program, pack} {
		if got := run(t, "osslsigncode", "verify", "-CAfile", certificate, "-in", file); !strings.Contains(got, "Succeeded") {
			t.Errorf("%s: %s", file, got)
		}
	}
}

func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "procmon test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
