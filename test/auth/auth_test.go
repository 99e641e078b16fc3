// Package auth_test lets a procmon server pull exporters that are protected in every way they
// can be, with the right credentials and with wrong ones.
package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/procmon/procmon/test/program"
)

// The password of the user is "pw".
const users = "basic_auth_users:\n  user: $2a$04$o0Dfxs6XK2lHjOXJFT0CM.ReAIFfOpK8ih058xyvxtWYAG2bBa4gm\n"

// A protected exporter: its flags and web configuration, and what opens it.
type protected struct {
	name      string
	webConfig string
	flags     []string
	keys      string // part of a scrape configuration
	wrong     string // the same, and opens nothing
	refusal   string // what the Targets page says then
}

func kinds() []protected {
	const tls = "tls_server_config: {cert_file: server.crt, key_file: server.key"
	const https = "    scheme: https\n    tls_config: {ca_file: ca.crt}\n"
	return []protected{
		{
			name: "tls", webConfig: tls + "}\n", keys: https,
			wrong: "    scheme: https\n    tls_config: {ca_file: other.crt}\n", refusal: "x509: ",
		},
		{
			name: "client-certificate", webConfig: tls + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt}\n",
			keys:  "    scheme: https\n    tls_config: {ca_file: ca.crt, cert_file: client.crt, key_file: client.key}\n",
			wrong: "    scheme: https\n    tls_config: {ca_file: ca.crt, cert_file: stranger.crt, key_file: stranger.key}\n", refusal: "tls: ",
		},
		{
			name: "password", webConfig: users, keys: "    basic_auth: {username: user, password: pw}\n",
			wrong: "    basic_auth: {username: user, password: hunter2}\n", refusal: "401 Unauthorized",
		},
		{
			name: "password-over-tls", webConfig: tls + "}\n" + users, keys: https + "    basic_auth: {username: user, password_file: password}\n",
			wrong: https, refusal: "401 Unauthorized",
		},
		{
			name: "token", flags: []string{"--web.token-file=token"}, keys: "    authorization: {credentials_file: token}\n",
			wrong: "    authorization: {credentials: hunter2}\n", refusal: "401 Unauthorized",
		},
		{
			name: "token-over-tls", webConfig: tls + "}\n", flags: []string{"--web.token-file=token"}, keys: https + "    authorization: {credentials_file: token}\n",
			wrong: https, refusal: "401 Unauthorized",
		},
	}
}

func TestServerReachesEveryKind(t *testing.T) {
	dir := t.TempDir()
	ca, other := newAuthority(t, dir, "ca"), newAuthority(t, dir, "other")
	ca.server(t, "server")
	ca.client(t, "client")
	other.client(t, "stranger")
	write(t, filepath.Join(dir, "token"), "s3cret\n")
	write(t, filepath.Join(dir, "password"), "pw")

	exporter := program.Build(t, "procmon-exporter")
	config := "global: {scrape_interval: 1s}\nscrape_configs:\n"
	job := func(name, address, keys string) {
		// All exporters have this machine's name: each is a host of its own.
		config += fmt.Sprintf("  - job_name: %s\n%s    static_configs: [{targets: [%q]}]\n    relabel_configs: [{target_label: host, replacement: %s}]\n", name, keys, address, name)
	}
	for _, k := range kinds() {
		address := program.Address(t)
		flags := []string{"--web.listen-address", address}
		for _, flag := range k.flags {
			flags = append(flags, strings.Replace(flag, "=", "="+dir+"/", 1))
		}
		if k.webConfig != "" {
			file := filepath.Join(dir, k.name+".yml")
			write(t, file, k.webConfig)
			flags = append(flags, "--web.config.file", file)
		}
		program.Start(t, exporter, flags...)
		job(k.name, address, k.keys)
		job(k.name+"-wrong", address, k.wrong)
	}
	write(t, filepath.Join(dir, "procmon.yaml"), config)
	address := program.Address(t)
	server := program.Start(t, program.Build(t, "procmon"), "server", "--config.file", filepath.Join(dir, "procmon.yaml"),
		"--storage.path", filepath.Join(dir, "data"), "--web.listen-address", address)

	for _, k := range kinds() {
		server.Answers(t, "http://"+address+"/api/v1/hosts/"+k.name+"/snapshot")
	}
	for _, k := range kinds() {
		server.Until(t, k.name+"-wrong to be refused", func(ctx context.Context) error {
			targets, err := targets(ctx, address)
			if err != nil {
				return err
			}
			right, wrong := targets[k.name], targets[k.name+"-wrong"]
			if right.Health != "up" || wrong.Health != "down" || !strings.Contains(wrong.LastError, k.refusal) {
				return fmt.Errorf("the right one is %+v, the wrong one %+v; %q is wanted of it", right, wrong, k.refusal)
			}
			return nil
		})
	}
	if strings.Contains(server.Output(), "hunter2") {
		t.Errorf("the server prints a password")
	}
}

// What others can reach wants certificates that are verified; asking for one is not enough.
func TestCertificatesThatAreNotVerified(t *testing.T) {
	dir := t.TempDir()
	newAuthority(t, dir, "ca").server(t, "server")
	exporter := program.Build(t, "procmon-exporter")
	for kind, starts := range map[string]bool{
		"NoClientCert": false, "RequestClientCert": false, "RequireAnyClientCert": false, "VerifyClientCertIfGiven": false, "RequireAndVerifyClientCert": true,
	} {
		web := "tls_server_config: {cert_file: server.crt, key_file: server.key, client_auth_type: " + kind
		if strings.Contains(kind, "Verif") {
			web += ", client_ca_file: ca.crt"
		}
		file := filepath.Join(dir, kind+".yml")
		write(t, file, web+"}\n")
		config := filepath.Join(dir, kind+"-exporter.yaml")
		write(t, config, "web: {listen_address: '0.0.0.0:9910', config_file: "+kind+".yml}\n")
		out, err := exec.CommandContext(t.Context(), exporter, "check-config", config).CombinedOutput()
		if (err == nil) != starts || !starts && !strings.Contains(string(out), "client certificates with --web.config.file") {
			t.Errorf("%s: %v, %s", kind, err, out)
		}
	}
}

type target struct {
	Job       string
	Health    string
	LastError string `json:"last_error"`
}

func targets(ctx context.Context, server string) (map[string]target, error) {
	body, err := program.Get(ctx, "http://"+server+"/api/v1/targets")
	if err != nil {
		return nil, err
	}
	var answer struct{ Targets []target }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	all := map[string]target{}
	for _, t := range answer.Targets {
		all[t.Job] = t
	}
	return all, nil
}
