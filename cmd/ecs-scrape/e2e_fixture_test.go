package main

import (
	"fmt"
	"testing"

	"ecs-scrape/controller/awssim"
)

// prometheusConfig is a PrometheusConfig that scrapes through the simulator's
// proxy every second. extra is indented below spec.
func (w *world) prometheusConfig(extra string) string {
	return fmt.Sprintf(`apiVersion: ecs-scrape/v1
kind: PrometheusConfig
metadata: {name: main}
spec:
  config:
    global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
    scrape_configs:
    - job_name: static
      static_configs: [{targets: [%q]}]
  scrapeClasses:
  - name: default
    scrapeConfig: {proxy_url: %q}
%s`, w.prom, w.sim.ProxyURL(), extra)
}

const (
	scrapeNamed = `apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: named}
spec:
  selector: {services: [api, managed]}
  endpoints: [{port: metrics}]
`
	scrapeBridge = `apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: bridge}
spec:
  selector: {families: ["web-*"], containers: [app]}
  endpoints: [{port: 8080, path: /internal/metrics}]
`
	scrapeDaemon = `apiVersion: ecs-scrape/v1
kind: ScrapeTarget
metadata: {name: daemon}
spec:
  selector:
    environment: {matchLabels: {PROMETHEUS: "true"}}
  endpoints: [{port: 9100}]
  jobName: node
  scrapeConfig: {sample_limit: 5000}
`
	recordingRule = `apiVersion: ecs-scrape/v1
kind: PrometheusRule
metadata: {name: up}
spec:
  groups:
  - name: up
    rules:
    - {record: "job:up:sum", expr: "sum by (job) (up)"}
`
)

// populate fills the account with one service of each network mode and launch
// type, and with what must not be scraped.
func (w *world) populate() {
	w.t.Helper()
	populate(w.t, w.sim.Place)
}

func populate(t testing.TB, p *awssim.Place) {
	t.Helper()
	p.CreateCluster("prod", nil)
	for _, launch := range []string{awssim.LaunchEC2, awssim.LaunchEC2, awssim.LaunchExternal} {
		_, err := p.AddInstance("prod", awssim.Instance{Launch: launch})
		must(t, err)
	}
	named := func(family string) awssim.TaskDefinition {
		return awssim.TaskDefinition{Family: family, NetworkMode: awssim.ModeAWSVPC, Containers: []awssim.Container{
			{Name: "app", Ports: []awssim.Port{{Name: "http", Container: 80}, {Name: "metrics", Container: 9090}}, Metrics: []awssim.Metrics{{Port: 80}, {Port: 9090}}},
			{Name: "log-router", Sidecar: true},
		}}
	}
	create(t, p, named("api"), awssim.Service{Name: "api", Desired: 3, Launch: awssim.LaunchFargate})
	create(t, p, named("managed"), awssim.Service{Name: "managed", Desired: 2, Launch: awssim.LaunchManaged})
	create(t, p, awssim.TaskDefinition{Family: "web-shop", NetworkMode: awssim.ModeBridge, Containers: []awssim.Container{{
		Name: "app", Ports: []awssim.Port{{Container: 8080}}, Metrics: []awssim.Metrics{{Port: 8080, Path: "/internal/metrics"}},
	}}}, awssim.Service{Name: "web", Desired: 4, Launch: awssim.LaunchEC2})
	node := awssim.TaskDefinition{Family: "node-exporter", NetworkMode: awssim.ModeHost, Containers: []awssim.Container{{
		Name: "exporter", Environment: map[string]string{"PROMETHEUS": "true", "DB_PASSWORD": "planted-secret"},
		Ports: []awssim.Port{{Container: 9100}}, Metrics: []awssim.Metrics{{Port: 9100}},
	}}}
	create(t, p, node, awssim.Service{Name: "node-exporter", Daemon: true, Launch: awssim.LaunchEC2})
	must(t, p.CreateService("prod", awssim.Service{Name: "node-exporter-external", TaskDefinition: "node-exporter", Daemon: true, Launch: awssim.LaunchExternal}))
	create(t, p, named("quiet"), awssim.Service{Name: "quiet", Desired: 2, Launch: awssim.LaunchFargate})
}

func create(t testing.TB, p *awssim.Place, d awssim.TaskDefinition, s awssim.Service) {
	t.Helper()
	arn, err := p.RegisterTaskDefinition(d)
	must(t, err)
	s.TaskDefinition = arn
	must(t, p.CreateService("prod", s))
}

// isNamed, isBridge and isDaemon are what the specs above mean, in the words of
// the simulator.
func isNamed(l awssim.Listener) bool {
	return (l.Service == "api" || l.Service == "managed") && portOf(l) == "9090"
}

func isBridge(l awssim.Listener) bool { return l.Service == "web" }

func isDaemon(l awssim.Listener) bool {
	return l.Service == "node-exporter" || l.Service == "node-exporter-external"
}

func isAny(l awssim.Listener) bool { return isNamed(l) || isBridge(l) || isDaemon(l) }

func portOf(l awssim.Listener) string {
	for i := len(l.Address) - 1; i >= 0; i-- {
		if l.Address[i] == ':' {
			return l.Address[i+1:]
		}
	}
	return ""
}
