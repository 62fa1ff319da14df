package main

import (
	"strconv"
	"testing"

	"ecs-scrape/controller/awssim"
)

// exampleApp is a container named app that serves people on port 8080 and
// metrics on a port mapping named "metrics".
func exampleApp(metricsPort int, path string) awssim.Container {
	return awssim.Container{
		Name: "app", HealthCheck: true, Secrets: []string{"DATABASE_PASSWORD"},
		Environment: map[string]string{"LOG_LEVEL": "info"},
		Ports:       []awssim.Port{{Name: "http", Container: 8080}, {Name: "metrics", Container: metricsPort}},
		Metrics:     []awssim.Metrics{{Port: metricsPort, Path: path}},
	}
}

// exampleExporter is a container that announces its port by environment
// variables and maps nothing, as exporters in host mode do.
func exampleExporter(name string, port int) awssim.Container {
	return awssim.Container{
		Name: name, Environment: map[string]string{"PROMETHEUS": "true", "PROMETHEUS_PORT": strconv.Itoa(port)},
		Metrics: []awssim.Metrics{{Port: port}},
	}
}

func fargateAccount(t *testing.T, sim *awssim.Sim) {
	prod := newExampleCluster(t, sim.Place, "prod")
	envoy := awssim.Container{
		Name: "envoy", Sidecar: true, Ports: []awssim.Port{{Name: "envoy-admin", Container: 9901}},
		Metrics: []awssim.Metrics{{Port: 9901, Path: "/stats/prometheus"}},
	}
	prod.fargate("checkout", []awssim.Container{exampleApp(9102, ""), envoy}, "10.0.1.21", "10.1.1.22", "10.2.1.23")
	prod.fargate("cart", []awssim.Container{exampleApp(9090, "/actuator/prometheus")}, "10.0.1.31", "10.1.1.32")
	prod.fargate("mailer", []awssim.Container{{Name: "worker"}}, "10.2.1.41")
	prod.runOnce("import-orders", exampleApp(9102, ""), "10.0.1.51")
	staging := newExampleCluster(t, sim.Place, "staging")
	staging.fargate("checkout", []awssim.Container{exampleApp(9102, "")}, "10.1.1.61")
}

func bridgeAccount(t *testing.T, sim *awssim.Sim) {
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.machine("", "eu-west-1a", "10.0.2.10")
	prod.machine("", "eu-west-1b", "10.1.2.10")
	prod.machine("", "eu-west-1c", "10.2.2.10")
	prod.bridge("catalog", 4, exampleApp(9102, ""))
	prod.bridge("search", 2, awssim.Container{
		Name: "search", Ports: []awssim.Port{{Range: "9000-9003"}},
		Metrics: []awssim.Metrics{{Port: 9002, Path: "/_prometheus/metrics"}},
	})
	prod.bridge("edge", 1, awssim.Container{
		Name: "nginx", Ports: []awssim.Port{{Container: 443, Host: 443}},
	}, awssim.Container{
		Name: "nginx-exporter", Sidecar: true,
		Ports:   []awssim.Port{{Container: 9113, Host: 9113}, {Container: 9113, Host: 9114, Protocol: "udp"}},
		Metrics: []awssim.Metrics{{Port: 9113}},
	})
	prod.bridge("thumbnails", 1, awssim.Container{Name: "app"})
}

func daemonAccount(t *testing.T, sim *awssim.Sim) {
	node, cadvisor := exampleExporter("node-exporter", 9100), exampleExporter("cadvisor", 8080)
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.machine("", "eu-west-1a", "10.0.3.10")
	prod.machine("", "eu-west-1b", "10.1.3.10")
	prod.machine(awssim.LaunchExternal, "", "192.168.7.20")
	prod.daemon("node-exporter", "", node)
	prod.daemon("node-exporter-onprem", awssim.LaunchExternal, node)
	prod.daemon("cadvisor", "", cadvisor)
	prod.fargate("web", []awssim.Container{exampleApp(8080, "")}, "10.0.3.77")
	batch := newExampleCluster(t, sim.Place, "batch")
	batch.machine("", "eu-west-1c", "10.2.3.10")
	batch.daemon("node-exporter", "", node)
	batch.daemon("cadvisor", "", cadvisor)
}

func rulesAccount(t *testing.T, sim *awssim.Sim) {
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.machine("", "eu-west-1a", "10.0.4.10")
	prod.fargate("checkout", []awssim.Container{exampleApp(9102, "")}, "10.0.4.21", "10.1.4.22")
	prod.daemon("node-exporter", "", exampleExporter("node-exporter", 9100))
}

func classesAccount(t *testing.T, sim *awssim.Sim) {
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.fargate("checkout", []awssim.Container{exampleApp(9102, "")}, "10.0.5.21", "10.1.5.22")
	prod.fargate("ledger", []awssim.Container{exampleApp(9443, "")}, "10.0.5.31", "10.1.5.32")
	prod.fargate("pushgateway", []awssim.Container{{
		Name: "pushgateway", Ports: []awssim.Port{{Container: 9091}}, Metrics: []awssim.Metrics{{Port: 9091}},
	}}, "10.2.5.41")
	prod.fargate("kafka-exporter", []awssim.Container{{
		Name: "exporter", Ports: []awssim.Port{{Container: 9308}}, Metrics: []awssim.Metrics{{Port: 9308}},
	}}, "10.0.5.51")
	prod.fargate("vault", []awssim.Container{{
		Name: "vault", Ports: []awssim.Port{{Name: "api", Container: 8200}},
		Metrics: []awssim.Metrics{{Port: 8200, Path: "/v1/sys/metrics"}},
	}}, "10.1.5.61")
}

func alertmanagersAccount(t *testing.T, sim *awssim.Sim) {
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.fargate("checkout", []awssim.Container{exampleApp(9102, "")}, "10.0.11.21", "10.1.11.22")
	prod.fargate("search", []awssim.Container{exampleApp(9102, "")}, "10.2.11.31")
	tools := newExampleCluster(t, sim.Place, "tools")
	tools.fargate("alertmanager", []awssim.Container{{
		Name: "alertmanager", Ports: []awssim.Port{{Name: "web", Container: 9093}},
	}}, "10.0.11.41", "10.1.11.42")
}

func monitoringAccount(t *testing.T, sim *awssim.Sim) {
	prod := newExampleCluster(t, sim.Place, "prod")
	prod.fargate("checkout", []awssim.Container{exampleApp(9102, "")}, "10.0.12.21", "10.1.12.22")
	prod.fargate("cart", []awssim.Container{exampleApp(9102, "")}, "10.2.12.31")
}

func multiRegionAccounts(t *testing.T, sim *awssim.Sim) {
	const payments = "210987654321"
	sim.AllowRole("arn:aws:iam::"+payments+":role/prometheus-read", "shop-monitoring")
	app := []awssim.Container{exampleApp(9102, "")}
	eu := newExampleCluster(t, sim.Place, "shop")
	eu.fargate("checkout", app, "10.0.6.21", "10.1.6.22")
	us := newExampleCluster(t, sim.Region("", "us-east-1"), "shop")
	us.fargate("checkout", app, "10.4.6.21")
	us.fargate("us-tax", app, "10.5.6.31")
	sandbox := newExampleCluster(t, sim.Region("", "us-east-1"), "sandbox")
	sandbox.fargate("checkout", app, "10.6.6.99")
	vault := newExampleCluster(t, sim.Region(payments, exampleRegion), "payments")
	vault.fargate("card-vault", app, "10.8.6.21", "10.9.6.22")
}
