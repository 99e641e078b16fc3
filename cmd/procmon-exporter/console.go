package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
)

// greeting says in plain words what a window shows that somebody has opened by a double click.
func greeting(address string, r *resolved) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		address = net.JoinHostPort("localhost", port)
	}
	text := fmt.Sprintf("\nprocmon-exporter shows the processes of this computer on http://%s/\n", address)
	if r.Web.ConfigFile != "" {
		text += "With TLS in " + r.Web.ConfigFile + " it is https instead.\n"
	}
	if isLoopback(r.Web.ListenAddress) {
		text += "Only this computer can reach it.\n"
	} else {
		text += "Other computers can reach it.\n"
	}
	return text + "It ends when you close this window or press Ctrl+C. To have it always, run as administrator:\n   procmon-exporter service install\n   procmon-exporter service start\n\n"
}

// waitBeforeClosing keeps a window open that would close over an error before it can be read.
func waitBeforeClosing(code int, in io.Reader, out io.Writer) {
	if code == 0 {
		return
	}
	fmt.Fprint(out, "\npress Enter to close this window ")
	_, _ = bufio.NewReader(in).ReadString('\n') // the end of the input is as good
}
