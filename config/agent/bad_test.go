package agent_test

// badMessages returns what is said of each testdata/NAME.bad.yml, after the path of the file.
func badMessages() map[string]string {
	return map[string]string{
		"bool":            ":2: collector.events: is not true or false",
		"delay":           ":1: collector.cpu_sample_delay: 5m is too long; the longest is 1m",
		"duration":        `:1: push.interval: "soon" is neither a number of seconds, like 60 or 0.5, nor a duration, like 90s, 1m30s or 24h`,
		"format":          `:1: log.format: "xml" is not one of logfmt and json`,
		"group-all":       ":3: metrics.groups[0]: matches every process; give at least one of name, exe, user and cmdline",
		"group-name":      ":3: metrics.groups[0].group: a name of 1 to 256 bytes without control characters is wanted here",
		"interval":        ":1: push.interval: 500ms is too short; the shortest is 1s",
		"level":           `:1: log.level: "loud" is not one of debug, info, warn and error`,
		"list":            ":1: web: a mapping of keys to values is wanted here, not a list",
		"listen":          `:1: web.listen_address: "localhost" is not of the form HOST:PORT, like 127.0.0.1:9910 or :9910`,
		"listen-port":     `:1: web.listen_address: "localhost:http" is not of the form HOST:PORT, like 127.0.0.1:9910 or :9910`,
		"mode":            `:1: command_lines.mode: "remove" is not one of redact, strip and off`,
		"pattern":         ":2: command_lines.patterns[0]: missing closing ): `(a`; the syntax is that of https://golang.org/s/re2syntax",
		"pattern-empty":   ":2: command_lines.patterns[0]: a regular expression of 1 to 4096 bytes is wanted here",
		"proxy":           ":1: push.proxy_url: not of the form SCHEME://HOST:PORT/PATH with the scheme http, https, socks5 or socks5h",
		"push-mode":       `:1: push.mode: "sometimes" is not one of off, fallback and always`,
		"push-url":        ":1: push.url: not of the form SCHEME://HOST:PORT/PATH with the scheme http or https",
		"secret-key":      ":3: push.key: unknown key; the key is in a file of its own, which key_file names",
		"secret-proxy":    ":1: push.proxy_url: not of the form SCHEME://HOST:PORT/PATH with the scheme http, https, socks5 or socks5h",
		"secret-token":    ":2: web.token: unknown key; the token is in a file of its own, which token_file names",
		"secret-url":      ":2: push.url: has a user or a password in it, which would print",
		"series":          ":1: metrics.max_series: 0 is not a number from 1 to 1000000",
		"size":            `:1: push.spool.max_size: "much" is not a size like 512KB, 64MB or 1GB`,
		"spool-age":       ":1: push.spool.max_age: 1s is too short; the shortest is 1m",
		"spool-interval":  ":1: push.spool.max_age: 1h is shorter than the interval of 2h",
		"spool-size":      ":1: push.spool.max_size: 1KB is too little; the least is 1MB",
		"top":             ":2: metrics.processes.top: -1 is not a number from 0 to 1000",
		"twice":           ":3: log.level: there twice; the first is in line 2",
		"unknown-flag":    `:2: web."listen-address": unknown key; did you mean "listen_address"?`,
		"unknown-group":   `:4: metrics.groups[0].nam: unknown key; did you mean "name"?`,
		"unknown-process": `:3: collector.process.cpus: unknown key; did you mean "cpu"?`,
		"unknown-top":     `:2: webb: unknown key; did you mean "web"?`,
	}
}
