package push

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
)

// transport returns one like http.DefaultTransport with the proxy and the roots of o.
func (o Options) transport() (http.RoundTripper, error) {
	if o.Transport != nil {
		return o.Transport, nil
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 1 // deliveries come one after the other
	if o.ProxyURL != "" {
		proxy, err := parseProxy(o.ProxyURL)
		if err != nil {
			return nil, err
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	if o.CAFile != "" {
		roots, err := readRoots(o.CAFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return t, nil
}

func parseProxy(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		// Not the URL: it may hold a password.
		return nil, fmt.Errorf("the push proxy URL is wrong: %w", errors.Unwrap(err))
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		if u.Host != "" {
			return u, nil
		}
	}
	return nil, fmt.Errorf("the push proxy URL %q is not of the form http://HOST:PORT; https, socks5 and socks5h are allowed too", u.Redacted())
}

// readRoots returns the roots of the system and those in a PEM file.
func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the push CA file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the push CA file %s: there is no PEM certificate in it", file)
	}
	return roots, nil
}
