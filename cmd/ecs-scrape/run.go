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
	"ecs-scrape/controller/source"
	"ecs-scrape/controller/target"
	"ecs-scrape/controller/web"
	"ecs-scrape/reconcile"
)

// stopWithin bounds how long open requests hold up the end of the process.
const stopWithin = 500 * time.Millisecond

type runOptions struct {
	specs      specsFlags
	ecs        ecsFlags
	log        logFlags
	prometheus prometheusFlags
	secrets    secretsFlags
	status     statusFlags
	output     string
	connection string // file that says how Prometheus is reached
	staleAfter time.Duration

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
a second, with nothing half-written.`,
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
	f.StringVar(&o.connection, "prometheus.config.file", "", "file in the format of Prometheus's http_config that says how Prometheus is reached: TLS, credentials, proxy, headers. Changes of it are taken without a restart")
	return cmd
}

// gcPercent has the collector run when the heap has grown by a half instead of
// double. At 50,000 tasks that saves a fifth of the process's memory, for a few
// milliseconds of CPU in each pass. GOGC, where it is set, stands; so does
// GOMEMLIMIT.
const gcPercent = 50

// app is a wired controller and what belongs to it.
type app struct {
	log        *slog.Logger
	controller *controller.Controller
	specs      *controller.Paced
	registry   *prometheus.Registry
}

func runRun(ctx context.Context, o *runOptions) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.prometheus.listen) // first: its port may be chosen now
	if err != nil {
		return fmt.Errorf("listen at --web.listen-address: %w", err)
	}
	a, err := newApp(ctx, o, listener.Addr())
	if err != nil {
		_ = listener.Close()
		return err
	}
	o.listening(listener.Addr())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { a.specs.Run(ctx); return nil })
	group.Go(func() error { return a.controller.Run(ctx) })
	group.Go(func() error { return a.serve(ctx, listener, o.prometheus.webCfg) })
	return group.Wait()
}

func newApp(ctx context.Context, o *runOptions, bound net.Addr) (*app, error) {
	log, err := o.log.logger(o.stderr)
	if err != nil {
		return nil, err
	}
	if err := o.specs.check(); err != nil {
		return nil, err
	}
	specs, err := source.Open(ctx, o.specs.location)
	if err != nil {
		return nil, err
	}
	dir, err := target.Open(o.output, target.Options{})
	if err != nil {
		return nil, err
	}
	if _, damage, err := dir.Live(); err == nil {
		for _, d := range damage {
			log.Warn("what an earlier run published is damaged and will be written anew", "err", d)
		}
	}
	var paced *controller.Paced // not yet: its metrics are registered after the watcher's
	watcher, err := o.watcher(dir, log, func(object ecs.Object) bool {
		concerns := specs.Concerns(object.Bucket, object.Key)
		if concerns {
			paced.Hurry()
		}
		return concerns
	})
	if err != nil {
		return nil, err
	}
	reloader, err := newReloader(o.prometheus.url, o.connection)
	if err != nil {
		return nil, err
	}
	objects, err := accepted(dir)
	if err != nil {
		log.Warn("the objects accepted by an earlier run cannot be read", "err", err)
	}
	values, err := readSecrets()
	if err != nil {
		return nil, err
	}
	out := controller.Directory{Directory: dir, Secrets: values, SecretsUID: o.secrets.uid}
	interval := o.specs.pollInterval()
	registry := newRegistry(watcher)
	metrics := controller.NewMetrics(registry)
	paced = controller.NewPaced(metrics.Measured(specs), interval)
	passOptions := reconcile.Options{
		Name: o.specs.name, Sources: o.ecs.sources(), AllowEmpty: o.specs.allowEmpty, History: specs, Secrets: holds(values),
	}
	if err := o.prometheus.apply(ctx, &passOptions, bound); err != nil {
		return nil, err
	}
	r := reconcile.New(paced, watcher, out, objects, passOptions)
	options := controller.Options{
		SpecsInterval: interval, ConfigPath: dir.ConfigPath(), StaleAfter: o.staleAfter, SpecsLocation: o.specs.location, Specs: paced, Log: log,
	}
	if err := o.status.apply(ctx, &options, dir, watcher); err != nil {
		return nil, fmt.Errorf("--status.s3: %w", err)
	}
	a := &app{log: log, specs: paced, registry: registry}
	if reloader == nil {
		a.controller = controller.New(r, watcher, out, nil, metrics, options)
		return a, nil
	}
	a.controller = controller.New(r, watcher, out, reloader, metrics, options)
	reloader.Report = a.controller.Reported
	return a, nil
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

func newRegistry(w *ecs.Watcher) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectorversion.NewCollector("ecs_scrape"), awsCollector{w})
	return r
}

// serve answers until the context ends, and then gives open requests a moment.
func (a *app) serve(ctx context.Context, l net.Listener, webConfig string) error {
	server := &http.Server{Handler: web.NewHandler(a.controller, a.registry), ReadHeaderTimeout: 5 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		systemd := false
		flags := &toolkit.FlagConfig{WebListenAddresses: &[]string{l.Addr().String()}, WebSystemdSocket: &systemd, WebConfigFile: &webConfig}
		if err := toolkit.Serve(l, server, flags, a.log); !errors.Is(err, http.ErrServerClosed) {
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
