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
func (r *resolved) checkExposure(token bool) error {
	users, err := readWebConfig(r.Web.ConfigFile)
	if err != nil {
		return fmt.Errorf("%s: %w", r.origin("web.config_file"), err)
	}
	if token || users || r.Web.AllowAnonymous || isLoopback(r.Web.ListenAddress) {
		return nil
	}
	return fmt.Errorf("%s can be reached from other machines, and /snapshot shows names, users and command lines: "+
		"ask for a token with --web.token-file, or for users or client certificates with --web.config.file, "+
		"or allow everybody with --web.allow-anonymous", r.Web.ListenAddress)
}

// isLoopback reports whether only this machine reaches HOST:PORT. A name is asked of nobody:
// what it means may change.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// readWebConfig checks a file of the exporter toolkit and reports whether it lets only known
// clients in. TLS alone does not.
func readWebConfig(file string) (authenticates bool, err error) {
	if file == "" {
		return false, nil
	}
	if err := web.Validate(file); err != nil {
		return false, fmt.Errorf("%s: %s", file, strings.Join(strings.Fields(err.Error()), " ")) // YAML's errors have several lines
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	var c web.Config
	if err := yaml.Unmarshal(text, &c); err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	return len(c.Users) > 0 || c.TLSConfig.ClientAuth == "RequireAndVerifyClientCert", nil
}
