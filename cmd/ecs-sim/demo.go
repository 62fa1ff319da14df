package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/controller/awssim"
)

const (
	// demoRefresh is how often the demo looks at everything, and demoReport how
	// often it says so where it cannot write in place.
	demoRefresh = time.Second
	demoReport  = 10 * time.Second
	// demoTaskDelay is what a task takes to start and to stop: long enough to
	// be seen, short enough to wait for.
	demoTaskDelay = 2 * time.Second
	// demoEventDelay is what an event takes to the queue, as it usually does.
	demoEventDelay = 300 * time.Millisecond
	// demoHealthyWithin bounds the controller's start, which takes a second or two.
	demoHealthyWithin = 30 * time.Second
)

// demoOptions are the flags of `ecs-sim demo`, and its terminal.
type demoOptions struct {
	scrape     string
	prometheus string
	ui         string
	dir        string
	reset      bool
	duration   time.Duration
	every      time.Duration
	ports      demoPorts

	in  io.Reader
	out io.Writer
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show ecs-scrape at work on a simulated shop, with a real Prometheus",
		Long: `Show ecs-scrape at work, without an AWS account.

It simulates an account with a small shop that deploys and scales, puts example
specs into a folder, and runs the controller and a real Prometheus on them. The
folder can be edited while the demo runs; edited specs outlive it. Nothing but
the simulated account is ever asked, whatever AWS settings the shell has.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.in, o.out = cmd.InOrStdin(), cmd.OutOrStdout()
			return runDemo(cmd.Context(), o)
		},
	}
	beside := besideExecutable()
	f := cmd.Flags()
	f.StringVar(&o.scrape, "ecs-scrape", filepath.Join(beside, "ecs-scrape"), "the controller's binary")
	f.StringVar(&o.prometheus, "prometheus", filepath.Join(beside, "tools", "prometheus"), "Prometheus's binary")
	f.StringVar(&o.ui, "prometheus-ui", filepath.Join(beside, "tools", "prometheus-ui"), "directory with Prometheus's web pages; may be missing")
	f.StringVar(&o.dir, "dir", filepath.Join(beside, "demo"), "folder of the specs and of everything that is written")
	f.BoolVar(&o.reset, "reset", false, "write the example specs anew, over edited ones")
	f.DurationVar(&o.duration, "for", 0, "end after this time (default: when interrupted)")
	f.DurationVar(&o.every, "every", 8*time.Second, "mean time between changes of the shop; 0: it only changes when told")
	f.IntVar(&o.ports.prometheus, "port.prometheus", 9090, "port of Prometheus; this and the next are replaced by a free one if taken, or if 0")
	f.IntVar(&o.ports.controller, "port.controller", 9926, "port of the controller")
	f.IntVar(&o.ports.aws, "port.aws", 4566, "port of the simulated AWS endpoint")
	f.IntVar(&o.ports.proxy, "port.proxy", 4567, "port of the proxy in front of the simulated tasks")
	return cmd
}

// besideExecutable is the directory of this binary, or the current one.
func besideExecutable() string {
	path, err := os.Executable()
	if err != nil {
		return "."
	}
	return filepath.Dir(path)
}

// demo is a running demonstration.
type demo struct {
	o       demoOptions
	screen  *demoScreen
	journal *demoJournal
	folder  *demoFolder
	ports   demoPorts
	sim     *awssim.Sim
	queue   string // URL of the queue that events arrive in
	shop    *demoShop
	began   time.Time
	allUp   chan struct{} // closed when every endpoint of the shop is, for the first time
	// children are in order of their start, and end in the opposite one.
	children []*demoChild
}

// runDemo shows everything until the context ends or the newcomer has enough.
// Whatever the reason, it leaves no process, no listener and no data behind,
// except specs that were edited and, after a failure, the logs.
func runDemo(ctx context.Context, o demoOptions) error {
	// A closed terminal or pipe ends the demo in good order too, and a demo in
	// the background is not stopped for wanting to read.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	signal.Ignore(syscall.SIGTTIN)
	d := &demo{o: o, screen: newDemoScreen(o.out), journal: &demoJournal{}, began: time.Now(), allUp: make(chan struct{})}
	err := d.start(ctx)
	if err == nil {
		err = d.show(ctx)
	}
	if ctx.Err() != nil {
		err = nil // interrupted, which is how it is meant to end
	}
	return d.end(err)
}

// start brings up what ECS would, in its order.
func (d *demo) start(ctx context.Context) error {
	steps := []func(context.Context) error{
		d.checkBinaries, d.openFolder, d.startAccount, d.startController, d.awaitHealthy, d.startPrometheus,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) checkBinaries(context.Context) error {
	for _, path := range []*string{&d.o.scrape, &d.o.prometheus, &d.o.ui, &d.o.dir} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	for _, path := range []string{d.o.scrape, d.o.prometheus} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w; `make demo` builds it", err)
		}
	}
	return nil
}

func (d *demo) openFolder(ctx context.Context) (err error) {
	if d.folder, err = openDemoFolder(d.o.dir); err != nil {
		return err
	}
	if d.ports, err = d.o.ports.choose(ctx); err != nil {
		return err
	}
	kept, err := d.folder.placeSpecs(d.ports, d.o.reset)
	if err != nil {
		return err
	}
	if kept {
		d.screen.say("specs       %s, kept from an earlier demo (--reset writes them anew)", d.folder.shown("specs"))
	} else {
		d.screen.say("specs       %s", d.folder.shown("specs"))
	}
	return nil
}

func (d *demo) startAccount(context.Context) (err error) {
	d.sim, err = awssim.Start(awssim.Options{
		Seed: 1, StartDelay: demoTaskDelay, StopDelay: demoTaskDelay, EventDelay: demoEventDelay,
		ListenAddress: address(d.ports.aws), ProxyListenAddress: address(d.ports.proxy),
	})
	if err != nil {
		return fmt.Errorf("start the simulated account: %w", err)
	}
	d.queue = d.sim.SubscribeQueue("ecs-events")
	shop, err := awssim.Shop(d.sim)
	if err != nil {
		return fmt.Errorf("build the shop: %w", err)
	}
	d.shop = newDemoShop(d.sim, shop, d.journal)
	d.screen.say("account     simulated, %d services in 2 clusters, at %s", len(shop.Services()), d.sim.URL())
	return nil
}

// show runs the shop, the terminal's commands and the live lines until one of
// them ends.
func (d *demo) show(ctx context.Context) error {
	if d.o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.o.duration)
		defer cancel()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.shop.live(ctx, d.o.every, d.allUp) })
	group.Go(func() error { return d.follow(ctx) })
	err := group.Wait()
	if errors.Is(err, errDemoQuit) {
		return nil
	}
	return err
}

// errDemoQuit ends the demo at the newcomer's wish.
var errDemoQuit = errors.New("quit")

// follow looks at everything once a second, and does what is typed.
func (d *demo) follow(ctx context.Context) error {
	w := newDemoWatch(d)
	defer w.close()
	d.screen.print(d.introduction())
	typed := readLines(d.o.in)
	tick := time.NewTicker(demoRefresh)
	defer tick.Stop()
	for {
		d.screen.draw(w.look(ctx), d.journal)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case line, ok := <-typed:
			if !ok {
				typed = nil
				continue
			}
			d.screen.typed()
			if err := d.command(line); err != nil {
				return err
			}
		}
		if err := d.childDied(); err != nil {
			return err
		}
	}
}

// readLines reads until the end of the input. A read from a terminal cannot be
// called off, so its goroutine may live until the process ends.
func readLines(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// command does what was typed; its answer goes to the journal.
func (d *demo) command(line string) error {
	switch line {
	case "":
	case "q", "quit", "exit":
		return errDemoQuit
	case "h", "help", "?":
		d.screen.print(d.introduction())
	default:
		answer, err := d.shop.do(line)
		if err != nil {
			answer = err.Error()
		}
		d.journal.add(kindYou, answer)
	}
	return nil
}

// end stops everything and tidies up; a failure keeps the logs.
func (d *demo) end(cause error) error {
	d.screen.leave()
	for i := len(d.children) - 1; i >= 0; i-- {
		d.children[i].stop()
	}
	if d.sim != nil {
		d.sim.Close()
	}
	if d.folder == nil {
		return cause
	}
	left, err := d.folder.close(d.ports, cause != nil)
	if cause == nil && err == nil {
		d.screen.say("ended       Prometheus, the controller and the simulated account are stopped; %s", left)
	}
	return errors.Join(cause, err)
}
