package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/plan"
)

// prometheusFlags say which Prometheus is meant, and where it and the controller
// are: what selfScrape and shards need to know, and the specs do not say.
type prometheusFlags struct {
	url    string
	shard  int
	listen string
	webCfg string
}

// notSaid is the shard of a Prometheus that shares its targets with no other.
const notSaid = -1

func (f *prometheusFlags) add(flags *pflag.FlagSet, url, listen string) {
	flags.StringVar(&f.url, "prometheus.url", defaultURL, url)
	flags.IntVar(&f.shard, "prometheus.shard", notSaid, "which shard this Prometheus is, from 0; for a PrometheusConfig with spec.shards")
	flags.StringVar(&f.listen, "web.listen-address", defaultListen, listen)
	flags.StringVar(&f.webCfg, "web.config.file", "", "file with TLS and basic auth settings for that address")
}

// apply tells the reconciler. bound is the address that the controller listens
// at, where it does.
func (f *prometheusFlags) apply(ctx context.Context, o *reconcile.Options, bound net.Addr) error {
	if f.shard != notSaid {
		o.Shard = &f.shard
	}
	prometheus, err := prometheusTarget(f.url)
	if err != nil {
		return fmt.Errorf("--prometheus.url: %w", err)
	}
	controller, err := controllerTarget(ctx, f.listen, bound)
	if err != nil {
		return fmt.Errorf("--web.listen-address: %w", err)
	}
	if controller.Address != "" {
		if controller.Scheme, err = scheme(f.webCfg); err != nil {
			return fmt.Errorf("--web.config.file: %w", err)
		}
	}
	o.Self = plan.Self{Prometheus: prometheus, Controller: controller}
	return nil
}

// quotedValue is what an error of the YAML decoder quotes, which may be a key.
var quotedValue = regexp.MustCompile("`[^`]*`")

// scheme is what the controller serves by, as the file with its settings says.
func scheme(webConfig string) (string, error) {
	if webConfig == "" {
		return "http", nil
	}
	data, err := os.ReadFile(webConfig)
	if err != nil {
		return "", err
	}
	var settings toolkit.Config
	if err := yaml.Unmarshal(data, &settings); err != nil {
		return "", fmt.Errorf("%s: %s", webConfig, quotedValue.ReplaceAllLiteralString(err.Error(), "a value"))
	}
	if settings.TLSConfig.IsEnabled() {
		return "https", nil
	}
	return "http", nil
}

// prometheusTarget is where a Prometheus serves its own metrics. Without an
// address it is not known.
func prometheusTarget(address string) (plan.SelfTarget, error) {
	if address == "" {
		return plan.SelfTarget{}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return plan.SelfTarget{}, fmt.Errorf("want http://HOST:PORT or https://HOST:PORT, and a path prefix if it has one")
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return plan.SelfTarget{
		Scheme: u.Scheme, Address: net.JoinHostPort(u.Hostname(), port), Path: strings.TrimRight(u.Path, "/") + "/metrics",
	}, nil
}

// controllerTarget is where a controller serves its own metrics, without the
// scheme. A port of 0 is not known before it listens.
func controllerTarget(ctx context.Context, listen string, bound net.Addr) (plan.SelfTarget, error) {
	host, name, err := net.SplitHostPort(listen)
	if err != nil {
		return plan.SelfTarget{}, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", name)
	if err != nil {
		return plan.SelfTarget{}, err
	}
	if tcp, ok := bound.(*net.TCPAddr); ok {
		port = tcp.Port
	}
	if port == 0 {
		return plan.SelfTarget{}, nil
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return plan.SelfTarget{Address: net.JoinHostPort(host, strconv.Itoa(port)), Path: "/metrics"}, nil
}
