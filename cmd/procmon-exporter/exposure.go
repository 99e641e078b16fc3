package main

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
)

// checkExposure refuses to show names, users and command lines to whoever asks from another
// machine, unless that is wanted.
func checkExposure(address string, authenticates, anonymous bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--web.listen-address: %q is not of the form HOST:PORT, like %s", address, defaultAddress)
	}
	ip := net.ParseIP(host)
	if authenticates || anonymous || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s can be reached from other machines, and /snapshot shows names, users and command lines: "+
		"ask for a token with --web.token-file, or for users or client certificates with --web.config.file, "+
		"or allow everybody with --web.allow-anonymous", address)
}

// readWebConfig checks a file of the exporter toolkit and reports whether it lets only known
// clients in. TLS alone does not.
func readWebConfig(file string) (authenticates bool, err error) {
	if file == "" {
		return false, nil
	}
	if err := web.Validate(file); err != nil {
		return false, fmt.Errorf("--web.config.file %s: %s", file, strings.Join(strings.Fields(err.Error()), " ")) // YAML's errors have several lines
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return false, fmt.Errorf("--web.config.file: %w", err)
	}
	var c web.Config
	if err := yaml.Unmarshal(text, &c); err != nil {
		return false, fmt.Errorf("--web.config.file %s: %w", file, err)
	}
	return len(c.Users) > 0 || c.TLSConfig.ClientAuth == "RequireAndVerifyClientCert", nil
}
