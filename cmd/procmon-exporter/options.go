package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/procmon/procmon/exporter"
	"github.com/procmon/procmon/exporter/groups"
	"github.com/procmon/procmon/exporter/push"
	"github.com/procmon/procmon/exporter/push/spool"
	"github.com/procmon/procmon/exporter/redact"
)

// options turns settings into what the exporter is made of.
func (r *resolved) options() (exporter.Options, error) {
	process := r.Collector.Process
	o := exporter.Options{
		Version:        version,
		CPUSampleDelay: time.Duration(r.Collector.CPUSampleDelay),
		Metrics: exporter.MetricsOptions{
			WithoutCPU: !process.CPU, WithoutMemory: !process.Memory, WithoutThreads: !process.Threads,
			WithoutHandles: !process.Handles, WithoutIO: !process.IO, WithoutStartTime: !process.StartTime,
			MaxSeries: r.Metrics.MaxSeries,
			Processes: exporter.ProcessSeries{Top: r.Metrics.Processes.Top},
		},
		Push: push.Options{
			Mode:     push.Mode(r.Push.Mode),
			URL:      r.Push.URL,
			Interval: time.Duration(r.Push.Interval),
			ProxyURL: r.Push.ProxyURL,
			CAFile:   r.Push.TLS.CAFile,
			Spool: spool.Options{
				Path:    r.Push.Spool.Path,
				MaxSize: int64(r.Push.Spool.MaxSize),
				MaxAge:  time.Duration(r.Push.Spool.MaxAge),
			},
		},
		Events: r.Collector.Events,
	}
	if err := r.redact(&o); err != nil {
		return o, err
	}
	if o.CPUSampleDelay == 0 {
		o.CPUSampleDelay = -1
	}
	for _, name := range r.Metrics.Processes.Names {
		o.Metrics.Processes.Names = append(o.Metrics.Processes.Names, name.String())
	}
	for _, g := range r.Metrics.Groups {
		rule := groups.Rule{Group: g.Group}
		for _, e := range []struct {
			to   *string
			from fmt.Stringer
			is   bool
		}{{&rule.Name, g.Name, g.Name != nil}, {&rule.Exe, g.Exe, g.Exe != nil}, {&rule.User, g.User, g.User != nil}, {&rule.Cmdline, g.Cmdline, g.Cmdline != nil}} {
			if e.is {
				*e.to = e.from.String()
			}
		}
		o.Groups.Rules = append(o.Groups.Rules, rule)
	}
	if err := o.Groups.Check(); err != nil {
		return o, fmt.Errorf("%s: metrics.%w", r.file, err)
	}
	if _, err := push.New(o.Push); err != nil {
		return o, fmt.Errorf("%s: %w", r.origin("push.tls.ca_file"), err) // Validate has looked at everything else
	}
	return o, r.readSecrets(&o)
}

// redact says what leaves the host of command lines.
func (r *resolved) redact(o *exporter.Options) error {
	hide := redact.Options{Mode: redact.Mode(r.CommandLines.Mode)}
	for _, pattern := range r.CommandLines.Patterns {
		hide.Patterns = append(hide.Patterns, pattern.String())
	}
	redactor, err := redact.New(hide)
	if err != nil {
		return fmt.Errorf("%s: command_lines.%w", r.file, err)
	}
	o.Redact = redactor.Line
	return nil
}

// readSecrets reads the files that hold them. The key of the environment stands below a flag
// and above the file's key_file, like every variable.
func (r *resolved) readSecrets(o *exporter.Options) (err error) {
	const variable = "PROCESS_MONITOR_API_KEY"
	key, file := strings.TrimSpace(os.Getenv(variable)), r.Push.KeyFile
	if _, flag := r.origins[keyFileKey]; file != "" && (flag || key == "") {
		if o.Push.Key, err = readSecret(file); err != nil {
			return fmt.Errorf("%s: %w", r.origin(keyFileKey), err)
		}
	} else if o.Push.Key = key; checkSecret(key) != nil {
		return fmt.Errorf("%s: %w", variable, checkSecret(key))
	}
	if file := r.Web.TokenFile; file != "" {
		if o.BearerToken, err = readSecret(file); err != nil {
			return fmt.Errorf("%s: %w", r.origin("web.token_file"), err)
		}
	}
	return nil
}

// readSecret returns the one line of a file.
func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(strings.TrimPrefix(plainText(text), "\uFEFF")) // Notepad begins a file with it
	if secret == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	if err := checkSecret(secret); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return secret, nil
}

// plainText returns the text of a file. What Windows PowerShell writes with > is UTF-16.
func plainText(b []byte) string {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return string(b)
	}
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return string(utf16.Decode(units))
}

// checkSecret says whether a secret can be sent in a header, without telling it.
func checkSecret(secret string) error {
	const longest = 4096 // bytes
	if len(secret) > longest || strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("not one line of at most %d printable ASCII characters", longest)
	}
	return nil
}
