package webui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/procmon/procmon"
)

// parameters returns the query of r, in which only the allowed names may stand, once each: a
// misspelt one would otherwise be answered with something else than was asked for.
func parameters(r *http.Request, allowed ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &problem{http.StatusBadRequest, "bad_parameter", "query: " + quote(r.URL.RawQuery) + " is not name=value pairs, joined by & and percent-encoded"}
	}
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names) // so that the same query always gets the same answer
	for _, name := range names {
		switch {
		case !slices.Contains(allowed, name) && len(allowed) == 0:
			return nil, badParameter(quote(name), "not known; none is allowed here")
		case !slices.Contains(allowed, name):
			return nil, badParameter(quote(name), "not known; allowed is "+strings.Join(allowed, ", "))
		case len(query[name]) > 1:
			return nil, badParameter(name, fmt.Sprintf("there %d times; it is allowed once", len(query[name])))
		}
	}
	return query, nil
}

// hostInPath returns the host that the path of r names, whatever characters it is made of.
func hostInPath(r *http.Request) (string, error) {
	host, err := url.PathUnescape(mux.Vars(r)["host"])
	if err != nil || procmon.CheckHost(host) != nil {
		return "", noHost(host)
	}
	return host, nil
}

func noHost(host string) error { return notFound("host " + quote(host) + " is not known") }

// instant reads an instant as Prometheus does: RFC 3339 or Unix seconds with fractions.
// The text is read digit by digit, as a float64 does not hold today's nanoseconds.
func instant(name, value string) (time.Time, error) {
	// A plus sign that was not percent-encoded arrives as a space.
	text := strings.Replace(value, " ", "+", 1)
	t, ok := parseUnix(text)
	if !ok {
		var err error
		t, err = time.Parse(time.RFC3339Nano, text)
		ok = err == nil
	}
	if !ok || t.Before(earliest()) || !t.Before(latest()) {
		return time.Time{}, badParameter(name, quote(value)+" is not an RFC 3339 time, like 2026-11-22T20:15:00Z, or Unix seconds, like 1795378500.5, between the years 1700 and 2200; leave it out for now")
	}
	return t.UTC(), nil
}

// earliest and latest bound every instant, as they do in a snapshot.
func earliest() time.Time { return time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC) }
func latest() time.Time   { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }

func parseUnix(value string) (time.Time, bool) {
	if strings.ContainsAny(value, "eE") && strings.Trim(value, "0123456789.+-eE") == "" {
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil || !(seconds > -1e11 && seconds < 1e11) {
			return time.Time{}, false
		}
		return time.UnixMicro(int64(seconds * 1e6)), true
	}
	number, negative := strings.CutPrefix(value, "-")
	whole, fraction, _ := strings.Cut(number, ".")
	if !digits(whole) || whole == "" || !digits(fraction) || len(whole) > 11 {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	nanoseconds, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	if negative {
		seconds, nanoseconds = -seconds, -nanoseconds
	}
	return time.Unix(seconds, nanoseconds), true
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
