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
	"github.com/prometheus/common/model"

	"github.com/procmon/procmon"
)

// parameters returns the query of r, in which only the allowed names may stand, once each: a
// misspelt one would otherwise be answered with something else than was asked for.
func parameters(r *http.Request, allowed ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &problem{status: http.StatusBadRequest, code: "bad_parameter", message: "query: " + quote(r.URL.RawQuery) + " is not name=value pairs, joined by & and percent-encoded"}
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

// moment returns the instant that a parameter holds, or otherwise if it is not there.
func moment(query url.Values, name string, otherwise time.Time) (time.Time, error) {
	if !query.Has(name) {
		return otherwise, nil
	}
	return instant(name, query.Get(name))
}

// span is a range of time that a request asks for; both of its ends are in it.
type span struct{ from, to time.Time }

// spanOf returns what from and to say, and otherwise where they are not there, as far as that
// makes a range.
func spanOf(query url.Values, otherwise span) (span, error) {
	to, err := moment(query, "to", otherwise.to)
	if err != nil {
		return span{}, err
	}
	from, err := moment(query, "from", otherwise.from)
	if err != nil {
		return span{}, err
	}
	if to.Before(from) {
		switch {
		case query.Has("from") && query.Has("to"):
			return span{}, badParameter("to", fmt.Sprintf("%s is before from, %s", to.Format(time.RFC3339Nano), from.Format(time.RFC3339Nano)))
		case query.Has("from"):
			to = from
		default:
			from = to
		}
	}
	return span{from, to}, nil
}

// maxStep bounds what one point of a series stands for.
const maxStep = 10 * 366 * 24 * time.Hour

// duration reads seconds with fractions, or what Prometheus writes, like 1h30m.
func duration(name, value string) (time.Duration, error) {
	d, err := model.ParseDuration(value)
	if err != nil {
		seconds, failed := strconv.ParseFloat(value, 64)
		if failed == nil && seconds >= 0 && seconds <= maxStep.Seconds() && strings.Trim(value, "0123456789.eE+-") == "" {
			return time.Duration(seconds * float64(time.Second)), nil
		}
	}
	if err != nil || time.Duration(d) > maxStep {
		return 0, badParameter(name, quote(value)+" is not seconds, like 60 or 0.5, or a duration, like 30s, 5m or 1h30m, of at most ten years")
	}
	return time.Duration(d), nil
}

// whole returns the whole number that a parameter holds, or otherwise if it is not there.
func whole(query url.Values, name string, otherwise, least, most int) (int, error) {
	if !query.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < least || n > most {
		return 0, badParameter(name, fmt.Sprintf("%s is not a whole number from %d to %d", quote(query.Get(name)), least, most))
	}
	return n, nil
}

// choice returns which of the allowed words a parameter holds; without it, the first one.
func choice(query url.Values, name string, allowed ...string) (string, error) {
	value := query.Get(name)
	switch {
	case !query.Has(name):
		return allowed[0], nil
	case slices.Contains(allowed, value):
		return value, nil
	}
	return "", badParameter(name, quote(value)+" is not one of "+strings.Join(allowed, ", "))
}

// processInPath returns the identity that the path of r names: PID@START, or the pid alone of a
// process whose start is not known.
func processInPath(r *http.Request) (procmon.ProcessID, error) {
	text, err := url.PathUnescape(mux.Vars(r)["process"])
	if err != nil {
		text = mux.Vars(r)["process"]
	}
	bad := badParameter("process", quote(text)+" is not a pid and a start time, like 4711@2026-11-22T20:15:00.123Z, or a pid alone")
	number, start, timed := strings.Cut(text, "@")
	pid, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return procmon.ProcessID{}, bad
	}
	id := procmon.ProcessID{PID: uint32(pid)}
	if timed {
		at, err := instant("process", start)
		if err != nil {
			return procmon.ProcessID{}, bad
		}
		id.Start = at.UnixNano()
	}
	return id, nil
}
