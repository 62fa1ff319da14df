package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	collectorversion "github.com/prometheus/client_golang/prometheus/collectors/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/controller"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/controller/s3object"
	"ecs-scrape/controller/source"
	"ecs-scrape/controller/target"
	"ecs-scrape/controller/web"
	"ecs-scrape/reconcile"
)

// stopWithin bounds how long open requests hold up the end of the process.
const stopWithin = 500 * time.Millisecond

type runOptions struct {
	specs       specsFlags
	ecs         ecsFlags
	log         logFlags
	prometheus  prometheusFlags
	secrets     secretsFlags
	status      statusFlags
	output      string
	connection  string // file that says how Prometheus is reached
	generations int
	staleAfter  time.Duration

	stderr io.Writer
	// listening is told the address that the pages are served at.
	listening func(net.Addr)
}

func newRunCmd(run func(context.Context, *runOptions) error) *cobra.Command {
	o := &runOptions{listening: func(net.Addr) {}}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Reconcile until told to stop",
		Long: `Reconciles the specs with what runs on ECS, publishes what Prometheus reads
into the output directory, and has Prometheus load it. Ends at SIGTERM, within
a second, with nothing half-written. While another controller writes into that
directory, or it cannot be used, it waits, and its pages say why.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.stderr = cmd.ErrOrStderr()
			return run(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	o.specs.add(f)
	o.ecs.add(f)
	o.ecs.addWatch(f)
	o.log.add(f)
	o.secrets.add(f)
	o.status.add(f)
	o.prometheus.add(f, "where Prometheus answers; empty: nobody is told to reload, and it is not scraped",
		"where the page, the metrics and the health checks are served")
	f.DurationVar(&o.specs.interval, "specs.interval", 0, "how often the specs are looked at (default 1s for a directory, 10s for S3)")
	f.DurationVar(&o.staleAfter, "ecs.stale-after", defaultStale, "raise the alarm when a cluster could not be read for that long since the first attempt that failed; 0 never. Its targets stay as last known, however long")
	f.StringVar(&o.output, "output", defaultOutput, "directory to publish into")
	f.IntVar(&o.generations, "output.generations", target.DefaultGenerations, "how many configurations are kept there, to go back to; the current one included")
	f.StringVar(&o.connection, "prometheus.config.file", "", "file in the format of Prometheus's http_config that says how Prometheus is reached: TLS, credentials, proxy, headers. Changes of it are taken without a restart")
	return cmd
}

// gcPercent has the collector run when the heap has grown by a half instead of
// double. At 50,000 tasks that saves a fifth of the process's memory, for a few
// milliseconds of CPU in each pass. GOGC, where it is set, stands; so does
// GOMEMLIMIT.
const gcPercent = 50

// parts are what a controller is made of besides the output directory. That
// they can be made is seen before anything is served.
type parts struct {
	log      *slog.Logger
	source   *source.Source
	reloader *target.Reloader // nil where nobody is told
	afar     *s3object.Object // that the status is written to; nil without one
	secrets  map[string][]byte
	pass     reconcile.Options
	registry *prometheus.Registry
}

// runRun listens first: while the output directory is another controller's, or
// cannot be used, the pages tell so.
func runRun(ctx context.Context, o *runOptions) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	p, err := o.parts(ctx)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.prometheus.listen) // its port may be chosen now
	if err != nil {
		return fmt.Errorf("listen at --web.listen-address: %w", err)
	}
	if err := o.prometheus.apply(ctx, &p.pass, listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	o.listening(listener.Addr())
	front := newFront()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return serve(ctx, listener, web.NewHandler(front, p.registry), o.prometheus.webCfg, p.log)
	})
	group.Go(func() error { return o.control(ctx, p, newOwner(o.output, listener.Addr(), p.log, front)) })
	return group.Wait()
}

func (o *runOptions) parts(ctx context.Context) (*parts, error) {
	p := &parts{registry: newRegistry()}
	var err error
	if p.log, err = o.log.logger(o.stderr); err != nil {
		return nil, err
	}
	if err := o.specs.check(); err != nil {
		return nil, err
	}
	if o.generations < 1 {
		return nil, fmt.Errorf("--output.generations is %d: keep at least 1, the current one", o.generations)
	}
	if p.source, err = source.Open(ctx, o.specs.location); err != nil {
		return nil, err
	}
	if _, err := o.ecs.options(); err != nil {
		return nil, err
	}
	if p.reloader, err = newReloader(o.prometheus.url, o.connection); err != nil {
		return nil, err
	}
	if p.afar, err = o.status.open(ctx); err != nil {
		return nil, err
	}
	if p.secrets, err = readSecrets(); err != nil {
		return nil, err
	}
	p.pass = reconcile.Options{
		Name: o.specs.name, Sources: o.ecs.sources(), AllowEmpty: o.specs.allowEmpty, History: p.source, Secrets: holds(p.secrets),
	}
	return p, nil
}

// control waits for the output directory and then reconciles until the context
// ends.
func (o *runOptions) control(ctx context.Context, p *parts, w *owner) error {
	lock, dir, err := w.wait(ctx)
	if err != nil {
		return nil // the context has ended
	}
	defer func() { _ = lock.Release() }() // the end of the process releases it too
	c, specs, err := o.wire(ctx, p, dir)
	if err != nil {
		return err
	}
	w.front.show(c)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { specs.Run(ctx); return nil })
	group.Go(func() error { return c.Run(ctx) })
	return group.Wait()
}

// wire makes a controller that writes into the directory.
func (o *runOptions) wire(ctx context.Context, p *parts, dir *target.Directory) (*controller.Controller, *controller.Paced, error) {
	if _, damage, err := dir.Live(); err == nil {
		for _, d := range damage {
			p.log.Warn("what an earlier run published is damaged and will be written anew", "err", d)
		}
	}
	metrics := controller.NewMetrics(p.registry)
	interval := o.specs.pollInterval()
	paced := controller.NewPaced(metrics.Measured(p.source), interval)
	watcher, err := o.watcher(dir, p.log, p.changed(paced))
	if err != nil {
		return nil, nil, err
	}
	objects, err := accepted(dir)
	if err != nil {
		p.log.Warn("the objects accepted by an earlier run cannot be read", "err", err)
	}
	p.registry.MustRegister(awsCollector{watcher}, serviceCollector{watcher})
	out := controller.Directory{Directory: dir, Secrets: p.secrets, SecretsUID: o.secrets.uid}
	r := reconcile.New(paced, watcher, out, objects, p.pass)
	options := controller.Options{
		SpecsInterval: interval, ConfigPath: dir.ConfigPath(), StaleAfter: o.staleAfter, Generations: o.generations,
		SpecsLocation: o.specs.location, Specs: paced, Log: p.log,
	}
	p.tell(ctx, &options, dir, watcher, o.status.s3Every)
	if p.reloader == nil {
		return controller.New(r, watcher, out, nil, metrics, options), paced, nil
	}
	options.Observed = p.reloader.Prometheus
	c := controller.New(r, watcher, out, p.reloader, metrics, options)
	p.reloader.Report = c.Reported
	return c, paced, nil
}

// changed has the specs looked at when an object of theirs is said to have changed.
func (p *parts) changed(specs *controller.Paced) func(ecs.Object) bool {
	return func(o ecs.Object) bool {
		concerns := p.source.Concerns(o.Bucket, o.Key)
		if concerns {
			specs.Hurry()
		}
		return concerns
	}
}

func (f *specsFlags) pollInterval() time.Duration {
	switch {
	case f.interval > 0:
		return f.interval
	case strings.HasPrefix(f.location, "s3://"):
		return defaultSpecsS3
	}
	return defaultSpecsDir
}

// newReloader is nil where no Prometheus is to be told.
func newReloader(url, connection string) (*target.Reloader, error) {
	if url == "" {
		return nil, nil //nolint:nilnil // nobody to tell is a choice, not an error
	}
	var options target.PrometheusOptions
	if connection != "" {
		c, err := target.NewConnection(connection)
		if err != nil {
			return nil, fmt.Errorf("--prometheus.config.file: %w", err)
		}
		options.Connection = c
	}
	p, err := target.NewPrometheus(url, options)
	if err != nil {
		return nil, fmt.Errorf("--prometheus.url: %w", err)
	}
	return &target.Reloader{Prometheus: p}, nil
}

// accepted reads the last valid objects of an earlier run. Without them, or with
// an error, there are none, and the next valid version of each is the first.
func accepted(dir *target.Directory) (reconcile.Accepted, error) {
	data, err := stateCache{dir}.Load(controller.AcceptedFile)
	if err != nil || data == nil {
		return reconcile.Accepted{}, err
	}
	objects, err := reconcile.DecodeAccepted(data)
	if err != nil {
		return reconcile.Accepted{}, err
	}
	return objects, nil
}

func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectorversion.NewCollector("ecs_scrape"))
	return r
}

// serve answers until the context ends, and then gives open requests a moment.
func serve(ctx context.Context, l net.Listener, handler http.Handler, webConfig string, log *slog.Logger) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		systemd := false
		flags := &toolkit.FlagConfig{WebListenAddresses: &[]string{l.Addr().String()}, WebSystemdSocket: &systemd, WebConfigFile: &webConfig}
		if err := toolkit.Serve(l, server, flags, log); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if server.Shutdown(stop) != nil {
			return server.Close()
		}
		return nil
	})
	return group.Wait()
}
