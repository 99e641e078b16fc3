package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/procmon/procmon/config"
	"github.com/procmon/procmon/scraper"
)

// pushJob is the label job of what is pushed.
const pushJob = "push"

// checkConfig loads each file as the server does.
func checkConfig(files []string, stdout io.Writer) error {
	if len(files) == 0 {
		return fmt.Errorf("check-config needs a file; %w", errUsage)
	}
	manager, err := scraper.New(scraper.Options{})
	if err != nil {
		return err
	}
	for _, file := range files {
		cfg, err := config.Load(file)
		if err != nil {
			return err
		}
		// What only the scraper can find: TLS files, tokens and the like.
		if err := manager.Check(jobs(cfg)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if _, err := scraper.LoadKeys(pushTokens(cfg), cfg.Push.TokensFile); err != nil {
			return fmt.Errorf("%s: push: %w", file, err)
		}
		fmt.Fprintf(stdout, "%s: valid, %d %s\n", file, len(cfg.ScrapeConfigs), plural("job", len(cfg.ScrapeConfigs)))
		for _, job := range slices.Sorted(maps.Keys(cfg.Storage.Retention.Jobs)) {
			if job != pushJob && !slices.ContainsFunc(cfg.ScrapeConfigs, func(c config.ScrapeConfig) bool { return c.JobName == job }) {
				fmt.Fprintf(stdout, "%s: storage.retention.jobs: there is no job %q in scrape_configs; that is right if it was one, or relabelling makes it\n", file, job)
			}
		}
	}
	return nil
}

func plural(noun string, n int) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// hashToken prints what stands for a key in push.tokens. A key that is not an argument, where
// others can see it, is the first line of stdin.
func hashToken(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	const most = 4096 // bytes
	var key string
	switch len(args) {
	case 0:
		line, err := bufio.NewReader(io.LimitReader(stdin, most)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the key: %w", err)
		}
		key = strings.TrimRight(line, "\r\n")
	case 1:
		key = args[0]
	default:
		return fmt.Errorf("token hash takes one key, and got %d arguments; %w", len(args), errUsage)
	}
	hash, err := scraper.HashToken(key)
	if err != nil {
		return err
	}
	if len(key) < scraper.SafeKeySize {
		fmt.Fprintf(stderr, "procmon: this key has %d bytes; who reads its hash can guess it. `procmon token new` makes one that is safe\n", len(key))
	}
	fmt.Fprintln(stdout, hash)
	return nil
}
