package main

import (
	"testing"

	"ecs-scrape/controller/awssim"
)

// announced is a container that serves metrics at a port which it maps, and says
// by environment variables how it is scraped.
func announced(name string, port int, environment map[string]string, paths ...string) awssim.Container {
	c := awssim.Container{Name: name, Environment: environment, Ports: []awssim.Port{{Container: port}}}
	for _, path := range append([]string{""}, paths...) {
		c.Metrics = append(c.Metrics, awssim.Metrics{Port: port, Path: path})
	}
	return c
}

// labelled is a container that serves metrics at a port which it maps, and says
// by docker labels how it is scraped.
func labelled(name string, port int, path string, labels map[string]string) awssim.Container {
	return awssim.Container{
		Name: name, DockerLabels: labels, Ports: []awssim.Port{{Container: port}},
		Metrics: []awssim.Metrics{{Port: port, Path: path}},
	}
}

func ecsSDAccount(t *testing.T, sim *awssim.Sim) {
	node, cadvisor := exampleExporter("node-exporter", 9100), exampleExporter("cadvisor", 8080)
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.namedMachine("i-0a00000000000007a", "eu-west-1a", "10.0.7.10")
	prod.namedMachine("i-0b00000000000007b", "eu-west-1b", "10.1.7.10")
	batch := newExampleCluster(t, sim.Place, "batch")
	batch.namedMachine("i-0c00000000000007c", "eu-west-1c", "10.2.7.10")
	for _, c := range []exampleCluster{prod, batch} {
		c.daemon("node-exporter", "", node)
		c.daemon("cadvisor", "", cadvisor)
	}
	app := announced("app", 9102, map[string]string{"PROMETHEUS": "true", "PROMETHEUS_PORT": "9102"})
	prod.awsvpc("orders", []awssim.Container{app}, "10.0.7.21", "10.1.7.22")
	prod.fargate("quotes", []awssim.Container{app}, "10.2.7.23")
	prod.bridge("reports", 1, announced("app", 8081, map[string]string{
		"PROMETHEUS": "true", "PROMETHEUS_CONTAINER_PORT": "8081",
		"PROMETHEUS_ENDPOINT": "5m:/metrics/tables,30s:/metrics,/metrics/jobs",
	}, "/metrics/tables", "/metrics/jobs"))
	prod.bridge("ledger", 1, announced("app", 9102, map[string]string{
		"PROMETHEUS": "true", "PROMETHEUS_CONTAINER_PORT": "9102", "PROMETHEUS_ENDPOINT": "2m:/metrics",
	}))
	push := announced("pushgateway", 9091, map[string]string{
		"PROMETHEUS": "true", "PROMETHEUS_PORT": "9091", "PROMETHEUS_NOLABELS": "true",
	})
	push.Ports[0].Host = 9091
	prod.bridge("pushgateway", 1, push)
	prod.bridge("mailer", 1, announced("app", 9102, map[string]string{"PROMETHEUS": "false"}))
	prod.bridge("invoices", 1, announced("app", 9102, map[string]string{"PROMETHEUS": "true", "PROMETHEUS_PORT": "metrics"}))
}

func ecsDiscoveryAccount(t *testing.T, sim *awssim.Sim) {
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.namedMachine("i-0a00000000000008a", "eu-west-1a", "10.0.8.10")
	prod.fargate("checkout", []awssim.Container{labelled("app", 9102, "/internal/metrics", map[string]string{
		"PROMETHEUS_EXPORTER_PORT": "9102", "PROMETHEUS_EXPORTER_PATH": "/internal/metrics", "PROMETHEUS_EXPORTER_JOB_NAME": "shop",
	})}, "10.0.8.21", "10.1.8.22")
	prod.bridge("search", 1,
		labelled("app", 8080, "", map[string]string{"PROMETHEUS_EXPORTER_PORT": "8080"}),
		labelled("jmx-exporter", 5556, "", map[string]string{"PROMETHEUS_EXPORTER_PORT": "5556"}))
	prod.bridge("thumbnails", 1, labelled("app", 8000, "", map[string]string{"PROMETHEUS_DYNAMIC_EXPORT": "1"}))
	prod.bridge("resizer", 1, labelled("app", 8000, "", map[string]string{"PROMETHEUS_DYNAMIC_EXPORT": "true"}))
	prod.bridge("mailer", 1, labelled("app", 8000, "", map[string]string{"PROMETHEUS_DYNAMIC_EXPORT": "false"}))
	prod.bridge("invoices", 1, labelled("app", 9102, "", map[string]string{"PROMETHEUS_EXPORTER_PORT": "metrics"}))
	prod.bridge("vault", 1, labelled("app", 8200, "", map[string]string{
		"PROMETHEUS_EXPORTER_PORT": "8200", "PROMETHEUS_EXPORTER_SERVER_NAME": "https://vault.example.com/",
	}))
}

func cloudWatchAgentAccount(t *testing.T, sim *awssim.Sim) {
	const port = "ECS_PROMETHEUS_EXPORTER_PORT"
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.namedMachine("i-0a00000000000009a", "eu-west-1a", "10.0.9.10")
	prod.fargate("orders", []awssim.Container{labelled("app", 9404, "/actuator/prometheus", map[string]string{
		port: "9404", "ECS_PROMETHEUS_METRICS_PATH": "/actuator/prometheus", "job": "java",
		"Application": "shop", "com.example.owner": "orders-team",
	})}, "10.0.9.21", "10.1.9.22")
	prod.bridge("tomcat", 1, labelled("app", 9404, "", map[string]string{port: "9404", "Application": "legacy"}))
	prod.fargate("nginx-edge", []awssim.Container{
		{Name: "nginx", Ports: []awssim.Port{{Container: 80}}},
		labelled("nginx-exporter", 9113, "", nil),
	}, "10.2.9.31")
	prod.awsvpc("redis-cache", []awssim.Container{
		{Name: "redis", Ports: []awssim.Port{{Container: 6379}}},
		labelled("redis-exporter", 9121, "", nil),
	}, "10.0.9.41")
	unmapped := labelled("app", 9000, "", map[string]string{port: "9000"})
	unmapped.Ports = nil
	prod.fargate("admin", []awssim.Container{unmapped}, "10.1.9.51")
	prod.bridge("mailer", 1, labelled("app", 9102, "", map[string]string{port: ""}))
	prod.bridge("invoices", 1, labelled("app", 9102, "", map[string]string{port: "metrics"}))
}

func prometheusIOAccount(t *testing.T, sim *awssim.Sim) {
	asks := func(labels ...string) map[string]string {
		out := map[string]string{"prometheus.io/scrape": "true"}
		for i := 0; i < len(labels); i += 2 {
			out["prometheus.io/"+labels[i]] = labels[i+1]
		}
		return out
	}
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.namedMachine("i-0a0000000000000aa", "eu-west-1a", "10.0.10.10")
	prod.tags = map[string]string{"Team": "shop"}
	api := labelled("app", 9464, "", asks("port", "9464"))
	api.Image = "registry.example/shop/api:2.4.1"
	prod.fargate("api", []awssim.Container{api}, "10.1.10.21", "10.2.10.22")
	prod.tags = map[string]string{"Team": "payments"}
	prod.bridge("payments", 1, labelled("app", 8443, "/internal/metrics", asks("port", "8443", "path", "/internal/metrics", "scheme", "https")))
	prod.tags = nil
	prod.bridge("worker", 1,
		labelled("app", 9464, "", asks("port", "9464")),
		labelled("statsd-exporter", 9102, "", asks("port", "9102")))
	prod.bridge("mailer", 1, labelled("app", 9464, "", map[string]string{"prometheus.io/scrape": "false", "prometheus.io/port": "9464"}))
	prod.bridge("cron", 1, labelled("app", 9464, "", map[string]string{"prometheus.io/scrape": "yes", "prometheus.io/port": "9464"}))
	prod.bridge("invoices", 1, labelled("app", 9102, "", asks("port", "metrics")))
	prod.bridge("search", 1, labelled("app", 9102, "", asks()))
}
