package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/procmon/procmon/config/internal/strict"
)

// A Duration is written as in Prometheus: 15s, 1m30s, 30d.
type Duration time.Duration

// Duration returns d for the standard library.
func (d Duration) Duration() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return model.Duration(d).String() }

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := model.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("%q is not a duration like 15s, 1m30s or 30d", n.Value)
	}
	*d = Duration(v)
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// A ByteSize is a number of bytes, written as in Prometheus, where 1KB and 1KiB are 1024.
type ByteSize = strict.ByteSize

// A Secret never prints. Convert it to a string to use it.
type Secret string

const hidden = "<secret>"

// Format prints "<secret>" whatever the verb is.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML implements yaml.Marshaler.
func (s Secret) MarshalYAML() (any, error) { return hidden, nil }

// A URL is absolute, with http or https. The zero URL is none.
type URL struct{ *url.URL }

// UnmarshalYAML implements yaml.Unmarshaler.
func (u *URL) UnmarshalYAML(n *yaml.Node) error {
	if n.Value == "" {
		*u = URL{}
		return nil
	}
	v, err := url.Parse(n.Value)
	if err != nil || v.Scheme != "http" && v.Scheme != "https" || v.Host == "" || v.User != nil {
		return fmt.Errorf("this is not a URL like https://procmon.example.org/")
	}
	u.URL = v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (u URL) MarshalYAML() (any, error) {
	if u.URL == nil {
		return nil, nil
	}
	return u.Redacted(), nil
}

// IsZero implements yaml.IsZeroer.
func (u URL) IsZero() bool { return u.URL == nil }
