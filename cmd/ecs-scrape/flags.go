package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/spf13/pflag"

	"ecs-scrape/controller/ecs"
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

const (
	envPrefix       = "ECS_SCRAPE_" // of the environment variables that are flags
	defaultOutput   = "/var/lib/ecs-scrape"
	defaultListen   = "127.0.0.1:9926"
	defaultURL      = "http://127.0.0.1:9090"
	defaultPoll     = 15 * time.Second
	defaultShare    = 0.5
	defaultStale    = 15 * time.Minute
	defaultSpecsDir = time.Second
	defaultSpecsS3  = 10 * time.Second
)

// envName is the environment variable of a flag.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}

// commandLineOnly marks a flag that the environment does not set.
const commandLineOnly = "command-line-only"

// fromEnvironment sets the flags that the command line leaves out and the
// environment has. A list is separated by commas.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := lookup(envName(f.Name))
		if !ok || f.Changed || f.Name == "help" || failed != nil || f.Annotations[commandLineOnly] != nil {
			return
		}
		if err := f.Value.Set(value); err != nil {
			failed = fmt.Errorf("environment variable %s is %q: %w", envName(f.Name), value, err)
			return
		}
		f.Changed = true
	})
	return failed
}

// specsFlags say where the specs are and which Prometheus is meant.
type specsFlags struct {
	location   string
	name       string
	allowEmpty bool
	interval   time.Duration
}

func (f *specsFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.location, "specs", "", "directory, or s3://BUCKET/PREFIX, of the specs")
	flags.StringVar(&f.name, "prometheus.name", "", "name of the PrometheusConfig, where the specs hold several")
	flags.BoolVar(&f.allowEmpty, "specs.allow-empty", false, "let an empty source take every object away")
}

func (f *specsFlags) check() error {
	if f.location == "" {
		return fmt.Errorf("--specs is missing: name a directory or s3://BUCKET/PREFIX")
	}
	return nil
}

// ecsFlags say what to watch where the PrometheusConfig does not, and how hard.
type ecsFlags struct {
	clusters []string
	region   string
	roleARN  string
	queue    string
	poll     time.Duration
	share    float64
	quotas   []string
	services bool
}

func (f *ecsFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.clusters, "ecs.cluster", nil, "name or glob of a cluster to watch; repeatable (default all); for a PrometheusConfig without spec.ecs")
	flags.StringVar(&f.region, "ecs.region", "", "region to watch (default: this task's); for a PrometheusConfig without spec.ecs")
	flags.StringVar(&f.roleARN, "ecs.role-arn", "", "role to assume; for a PrometheusConfig without spec.ecs")
	flags.Float64Var(&f.share, "ecs.quota-share", defaultShare, "share of AWS's request quotas to stay within, above 0 and up to 1")
	flags.StringSliceVar(&f.quotas, "ecs.quota", nil, "CATEGORY=BURST/REFILL of a quota that AWS has raised for the account; repeatable")
}

// addWatch adds what only matters to who keeps watching: a command that looks once
// lists everything, and takes no events from who does.
func (f *ecsFlags) addWatch(flags *pflag.FlagSet) {
	flags.StringVar(&f.queue, "ecs.events-queue", "", "URL of the SQS queue that ECS events arrive in; empty: clusters are polled; for a PrometheusConfig without spec.ecs")
	flags.DurationVar(&f.poll, "ecs.poll-interval", defaultPoll, "how often clusters without a working events queue are listed, as far as the budget allows")
	flags.BoolVar(&f.services, "ecs.service-metrics", false, "ask for all services of the clusters every ten minutes, so that metrics tell how many tasks each should have, also one that has none")
}

func (f *ecsFlags) sources() []inventory.Source {
	return []inventory.Source{{Region: f.region, RoleARN: f.roleARN, Clusters: f.clusters, EventsQueue: f.queue}}
}

func (f *ecsFlags) watcher() (*ecs.Watcher, error) {
	options, err := f.options()
	if err != nil {
		return nil, err
	}
	return ecs.New(options)
}

func (f *ecsFlags) options() (ecs.Options, error) {
	if !(f.share > 0 && f.share <= 1) { // not a number is neither
		return ecs.Options{}, fmt.Errorf("--ecs.quota-share is %v: give a share above 0 and up to 1", f.share)
	}
	if f.queue != "" {
		if err := spec.CheckQueueURL(f.queue); err != nil {
			return ecs.Options{}, fmt.Errorf("--ecs.events-queue: %w", err)
		}
	}
	quotas := map[ecs.Category]ecs.Quota{}
	for _, text := range f.quotas {
		category, quota, err := ecs.ParseQuota(text)
		if err != nil {
			return ecs.Options{}, fmt.Errorf("--ecs.quota: %w", err)
		}
		quotas[category] = quota
	}
	return ecs.Options{QuotaShare: f.share, Quotas: quotas, PollInterval: f.poll, ServiceMetrics: f.services}, nil
}

// logFlags choose the log's level and format.
type logFlags struct {
	level  string
	format string
}

func (f *logFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.level, "log.level", "info", "debug, info, warn or error")
	flags.StringVar(&f.format, "log.format", "logfmt", "logfmt or json")
}

func (f *logFlags) logger(w io.Writer) (*slog.Logger, error) {
	c := &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat(), Writer: w}
	if err := c.Level.Set(f.level); err != nil {
		return nil, fmt.Errorf("--log.level: %w", err)
	}
	if err := c.Format.Set(f.format); err != nil {
		return nil, fmt.Errorf("--log.format: %w", err)
	}
	return promslog.New(c), nil
}
