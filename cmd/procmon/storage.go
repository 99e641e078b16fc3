package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/procmon/procmon/config"
	"github.com/procmon/procmon/storage"
)

func storageCommand(stdout, stderr io.Writer, usage cli.OnUsageErrorFunc) *cli.Command {
	command := func(name, usageText, args string, flags []cli.Flag, action func(context.Context, *cli.Context, keeper) error) *cli.Command {
		return &cli.Command{
			Name:         name,
			Usage:        usageText,
			ArgsUsage:    args,
			OnUsageError: usage,
			Flags: append([]cli.Flag{
				&cli.StringFlag{Name: "storage.path", Usage: "the directory of the history; without it, storage.path of the configuration"},
				&cli.StringFlag{Name: "config.file", Usage: "the configuration of the server", Value: "procmon.yaml"},
			}, flags...),
			Action: func(c *cli.Context) error {
				ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
				defer stop()
				path, err := storagePath(c)
				if err != nil {
					return err
				}
				return action(ctx, c, keeper{path, stdout, stderr})
			},
		}
	}
	none := func(action func(context.Context, *cli.Context, keeper) error) func(context.Context, *cli.Context, keeper) error {
		return func(ctx context.Context, c *cli.Context, k keeper) error {
			return withoutArguments(func(c *cli.Context) error { return action(ctx, c, k) })(c)
		}
	}
	return &cli.Command{
		Name:            "storage",
		Usage:           "look after the history: what is kept, is it sound, back it up, take it elsewhere",
		Description:     "While a server runs, it is asked, and goes on meanwhile; else the directory is opened as the server would.",
		HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return fmt.Errorf("there is no command storage %q; it is one of info, verify, backup, restore, export; %w", c.Args().First(), errUsage)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			command("info", "say what is kept of each host and day, and its size", "",
				[]cli.Flag{&cli.BoolFlag{Name: "json", Usage: "write JSON"}},
				none(func(ctx context.Context, c *cli.Context, k keeper) error { return k.info(ctx, c.Bool("json")) })),
			command("verify", "read and check everything; the exit code is 1 if something is damaged", "", nil,
				none(func(ctx context.Context, _ *cli.Context, k keeper) error { return k.verify(ctx) })),
			command("backup", "write all that is stored at this instant to FILE, or - for standard output", "FILE", nil,
				func(ctx context.Context, c *cli.Context, k keeper) error {
					if c.NArg() != 1 {
						return fmt.Errorf("storage backup takes one FILE, or - for standard output, and got %d arguments; %w", c.NArg(), errUsage)
					}
					return k.backup(ctx, c.Args().First())
				}),
			command("restore", "make the directory, which must be empty, of a backup in FILE, or - for standard input", "FILE", nil,
				func(ctx context.Context, c *cli.Context, k keeper) error {
					if c.NArg() != 1 {
						return fmt.Errorf("storage restore takes one FILE, or - for standard input, and got %d arguments; %w", c.NArg(), errUsage)
					}
					return k.restore(ctx, c.Args().First(), c.App.Reader)
				}),
			command("export", "write snapshots as lines of JSON", "", []cli.Flag{
				&cli.StringSliceFlag{Name: "host", Usage: "only this host; may stand several times"},
				&cli.StringFlag{Name: "from", Usage: "the first instant, RFC 3339 like 2026-11-22T20:15:00Z or Unix seconds; without it, from the oldest on"},
				&cli.StringFlag{Name: "to", Usage: "the last instant; without it, to the newest"},
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "a file; - is standard output", Value: "-"},
			}, none(func(ctx context.Context, c *cli.Context, k keeper) error { return k.export(ctx, c) })),
		},
	}
}

func storagePath(c *cli.Context) (string, error) {
	if path := c.String("storage.path"); path != "" {
		return path, nil
	}
	cfg, err := config.Load(c.String("config.file"))
	if err != nil {
		return "", fmt.Errorf("%w; --storage.path names the directory of the history without a configuration", err)
	}
	return cfg.Storage.Path, nil
}

// keeper carries out the storage commands on a directory.
type keeper struct {
	path           string
	stdout, stderr io.Writer
}

// ask returns what an operation writes, of the server that has the directory open or of the
// store that is opened here.
func (k keeper) ask(ctx context.Context, name string, q url.Values) (io.ReadCloser, error) {
	body, none, err := askServer(ctx, k.path, name, q)
	if !none {
		return body, err
	}
	s, err := k.open()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(operations()[name](ctx, s, q, w))
	}()
	return &opened{PipeReader: r, close: func() error {
		stop()
		<-done
		return s.Close()
	}}, nil
}

// opened is what an operation on a store of our own writes.
type opened struct {
	*io.PipeReader
	close func() error
}

func (o *opened) Close() error { return errors.Join(o.PipeReader.Close(), o.close()) }

func (k keeper) open() (*storage.Store, error) {
	if err := checkOwner(k.path); err != nil {
		return nil, err
	}
	s, err := storage.Open(k.path, storage.Options{Existing: true, Logger: newLogger(k.stderr, "warn", "text")})
	return s, k.explain(err)
}

// explain says what to do about a directory that cannot be opened.
func (k keeper) explain(err error) error {
	switch {
	case errors.Is(err, storage.ErrLocked):
		return fmt.Errorf("%s: another process has it open and does not answer at %s: if it is a procmon server that is starting, wait; else stop it",
			k.path, adminSocket(k.path))
	case errors.Is(err, storage.ErrNoStore):
		return fmt.Errorf("%s: there is no procmon storage: --storage.path, or storage.path in the file of --config.file, must name its directory", k.path)
	}
	return err
}

func (k keeper) info(ctx context.Context, asJSON bool) (err error) {
	body, err := k.ask(ctx, "info", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	var info storage.Info
	if err := json.NewDecoder(body).Decode(&info); err != nil {
		return err
	}
	if asJSON {
		out := json.NewEncoder(k.stdout)
		out.SetIndent("", "  ")
		return out.Encode(info)
	}
	t := tabwriter.NewWriter(k.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "DAY\tSNAPSHOTS\tPROCESS-SAMPLES\tSIZE\tFIRST\tLAST\t  HOST")
	row := func(host, day string, a storage.Amount, layout string) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\t  %s\n", day, a.Snapshots, a.ProcessSamples, size(a.Bytes), clock(a.First, layout), clock(a.Last, layout), host)
	}
	for _, h := range info.Hosts {
		for _, d := range h.Days {
			row(h.Host, d.Day, d.Amount, time.TimeOnly)
		}
	}
	row(fmt.Sprintf("%d %s", len(info.Hosts), plural("host", len(info.Hosts))), "total", info.Total, time.DateOnly)
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(k.stdout, "%s: format %d, %s on the disk\n", info.Path, info.Format, size(info.DiskBytes))
	return err
}

func clock(t time.Time, layout string) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(layout)
}

func size(bytes int64) string {
	const unit = 1024
	n, units := float64(bytes), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; n >= unit && i < len(units)-1; i++ {
		n /= unit
	}
	if i == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}

// errDamage is what verify ends with where something is damaged.
var errDamage = errors.New("the history is damaged")

func (k keeper) verify(ctx context.Context) (err error) {
	problem := func(object, text string) { fmt.Fprintf(k.stdout, "damaged: %s: %s\n", object, text) }
	body, none, err := askServer(ctx, k.path, "verify", nil)
	if err != nil {
		return err
	}
	if none {
		// The files first: to open the directory would put damaged ones aside.
		if err := checkOwner(k.path); err != nil {
			return err
		}
		v, err := storage.VerifyFiles(k.path, func(d storage.Damage) { problem(d.Object, d.Problem) })
		if err != nil {
			return k.explain(err)
		}
		if v.Problems > 0 {
			return fmt.Errorf("%s: %w: %d of its files' parts: nothing was changed; a server that starts puts damaged files aside, and serves what is intact in them and all else",
				k.path, errDamage, v.Problems)
		}
		if body, err = k.ask(ctx, "verify", nil); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	for in := json.NewDecoder(body); ; {
		var v verdict
		if err := in.Decode(&v); err != nil {
			return err
		}
		if c := v.Checked; c != nil {
			fmt.Fprintf(k.stdout, "checked: %d tables (%s), %d keys, %d blocks, %d snapshots (%d in no block yet) with %d process-samples and %d events; %d leftovers of crashes\n",
				c.Tables, size(c.FileBytes), c.Keys, c.Blocks, c.Snapshots, c.Steps, c.ProcessSamples, c.Events, c.Leftovers)
			if c.Problems > 0 {
				return fmt.Errorf("%s: %w: %d %s", k.path, errDamage, c.Problems, plural("problem", int(c.Problems)))
			}
			return nil
		}
		problem(v.Object, v.Problem)
	}
}

func (k keeper) backup(ctx context.Context, file string) (err error) {
	if err := replaceable(file); err != nil {
		return err
	}
	body, err := k.ask(ctx, "backup", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	var made storage.Backup
	if err := k.save(file, func(w io.Writer) (err error) {
		made, err = storage.CheckBackup(io.TeeReader(body, w))
		return err
	}); err != nil {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	fmt.Fprintf(k.stderr, "backed up %s as of %s: %d entries, %s\n", k.path, made.Made.Format(time.RFC3339), made.Entries, size(made.Bytes))
	return nil
}

// replaceable refuses to write a backup over something that is none.
func replaceable(file string) error {
	if file == "-" {
		return nil
	}
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if !storage.IsBackup(f) {
		return fmt.Errorf("%s is there, and is no backup: choose another file", file)
	}
	return nil
}

// save has write fill a file, or standard output. A file is whole and on the disk, or not there.
func (k keeper) save(file string, write func(io.Writer) error) (err error) {
	if file == "-" {
		return write(k.stdout)
	}
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, filepath.Base(file)+".*.part") // only its owner may read it
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	out := bufio.NewWriterSize(f, 1<<20)
	err = write(out)
	if err == nil {
		err = errors.Join(out.Flush(), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err == nil {
		err = storage.SyncDir(dir)
	}
	return err
}

func (k keeper) restore(ctx context.Context, file string, stdin io.Reader) error {
	from := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	b, err := storage.Restore(ctx, k.path, bufio.NewReaderSize(from, 1<<20), newLogger(k.stderr, "warn", "text"))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	fmt.Fprintf(k.stderr, "restored %s as of %s: %d entries, %s\n", k.path, b.Made.Format(time.RFC3339), b.Entries, size(b.Bytes))
	return nil
}

func (k keeper) export(ctx context.Context, c *cli.Context) (err error) {
	q := url.Values{"host": c.StringSlice("host")}
	for name, unset := range map[string]time.Time{"from": time.Unix(0, 0).AddDate(-200, 0, 0), "to": time.Unix(0, 0).AddDate(200, 0, 0)} {
		at := unset
		if text := c.String(name); text != "" {
			if at, err = parseInstant(text); err != nil {
				return fmt.Errorf("--%s: %w; %w", name, err, errUsage)
			}
		}
		q.Set(name, at.UTC().Format(time.RFC3339Nano))
	}
	body, err := k.ask(ctx, "export", q)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	return k.save(c.String("output"), func(w io.Writer) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// parseInstant reads RFC 3339, or Unix seconds with a fraction.
func parseInstant(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := time.ParseDuration(whole + "s")
	nanos, ferr := time.ParseDuration((fraction + "000000000")[:9] + "ns")
	if err != nil || ferr != nil || strings.Trim(text, "0123456789.") != "" {
		return time.Time{}, fmt.Errorf("%q is not an RFC 3339 time, like 2026-11-22T20:15:00Z, or Unix seconds, like 1795378500.5", text)
	}
	return time.Unix(int64(seconds/time.Second), int64(nanos)), nil
}
