package awssim

import "strconv"

// shopProduction are the services of the production cluster.
func shopProduction() []shopService {
	const c = ShopProduction
	return []shopService{
		replica(c, "checkout", "payments", LaunchFargate, 4, ModeAWSVPC, named(app("app"), 9090)),
		replica(c, "cart", "storefront", LaunchFargate, 3, ModeAWSVPC, named(app("app"), 9090)),
		replica(c, "payments", "payments", LaunchFargate, 2, ModeAWSVPC, byEnvironment(app("app"), 9102)),
		replica(c, "accounts", "identity", LaunchFargate, 2, ModeAWSVPC, named(app("app"), 9090), envoy()),
		replica(c, "mailer", "identity", LaunchFargate, 2, ModeAWSVPC, app("worker")),
		replica(c, "catalog", "storefront", LaunchEC2, 4, ModeBridge, named(app("app"), 8080)),
		replica(c, "search", "storefront", LaunchEC2, 3, ModeBridge, named(app("app"), 8080)),
		replica(c, "web", "storefront", LaunchEC2, 3, ModeBridge, byEnvironment(app("app"), 8080)),
		replica(c, "recommendations", "storefront", LaunchEC2, 2, ModeAWSVPC, named(app("app"), 9090)),
		replica(c, "sessions", "identity", LaunchEC2, 2, ModeAWSVPC, app("redis"), exporter("redis-exporter", 9121)),
		replica(c, "static", "storefront", LaunchEC2, 2, ModeBridge, app("nginx")),
		replica(c, "inventory", "logistics", LaunchManaged, 3, ModeAWSVPC, named(app("app"), 9090)),
		replica(c, "pricing", "storefront", LaunchManaged, 2, ModeAWSVPC, named(app("app"), 9090)),
		replica(c, "fulfilment", "logistics", LaunchExternal, 2, ModeBridge, named(app("app"), 8080)),
		pinned(replica(c, "scanner", "logistics", LaunchExternal, 1, ModeHost, named(app("app"), 9400))),
		daemon(c, "node-exporter", 9100),
		daemon(c, "cadvisor", 8080),
	}
}

// shopStaging are the services of the staging cluster.
func shopStaging() []shopService {
	const c = ShopStaging
	return []shopService{
		replica(c, "checkout", "payments", LaunchFargate, 1, ModeAWSVPC, named(app("app"), 9090)),
		replica(c, "cart", "storefront", LaunchFargate, 1, ModeAWSVPC, named(app("app"), 9090)),
		replica(c, "payments", "payments", LaunchFargate, 1, ModeAWSVPC, byEnvironment(app("app"), 9102)),
		replica(c, "catalog", "storefront", LaunchEC2, 2, ModeBridge, named(app("app"), 8080)),
		replica(c, "inventory", "logistics", LaunchManaged, 1, ModeAWSVPC, named(app("app"), 9090)),
		daemon(c, "node-exporter", 9100),
		daemon(c, "cadvisor", 8080),
	}
}

func replica(cluster, name, team, launch string, desired int, mode string, containers ...Container) shopService {
	tags := map[string]string{"env": shopEnvironment(cluster), "team": team}
	return shopService{
		cluster: cluster,
		service: Service{
			Name: name, TaskDefinition: cluster + "-" + name, Desired: desired, Launch: launch,
			PublicIP: launch == LaunchFargate, Tags: tags, TaskTags: tags,
		},
		definition: TaskDefinition{Family: cluster + "-" + name, NetworkMode: mode, Containers: containers, Tags: tags},
	}
}

// daemon is an exporter in host mode on every EC2 instance.
func daemon(cluster, name string, port int) shopService {
	c := Container{
		Name: name, Ports: []Port{{Name: "metrics", Container: port}}, Metrics: []Metrics{{Port: port}},
		DockerLabels: map[string]string{"team": "platform"},
	}
	sv := pinned(replica(cluster, name, "platform", LaunchEC2, 0, ModeHost, c))
	sv.service.Daemon = true
	return sv
}

// pinned marks a service that is not to be scaled.
func pinned(sv shopService) shopService {
	sv.fixed = true
	return sv
}

// app is a container that serves people on port 3000 and no metrics.
func app(name string) Container {
	return Container{
		Name: name, Environment: map[string]string{"LOG_LEVEL": "info"}, Secrets: []string{"DATABASE_PASSWORD"},
		Ports: []Port{{Name: "http", Container: 3000, AppProtocol: "http"}}, HealthCheck: true,
	}
}

// named adds a port mapping named "metrics" that serves metrics.
func named(c Container, port int) Container {
	c.Ports = append(c.Ports, Port{Name: "metrics", Container: port})
	c.Metrics = []Metrics{{Port: port}}
	return c
}

// byEnvironment adds an unnamed port that environment variables announce.
func byEnvironment(c Container, port int) Container {
	c.Environment["PROMETHEUS"] = "true"
	c.Environment["PROMETHEUS_PORT"] = strconv.Itoa(port)
	c.Ports = append(c.Ports, Port{Container: port})
	c.Metrics = []Metrics{{Port: port}}
	return c
}

// exporter is a sidecar that docker labels announce.
func exporter(name string, port int) Container {
	return Container{
		Name: name, Sidecar: true, Ports: []Port{{Container: port}}, Metrics: []Metrics{{Port: port}},
		DockerLabels: map[string]string{"PROMETHEUS_EXPORTER_PORT": strconv.Itoa(port), "PROMETHEUS_EXPORTER_PATH": "/metrics"},
	}
}

// envoy is a sidecar with metrics on a path of its own.
func envoy() Container {
	return Container{
		Name: "envoy", Sidecar: true, Ports: []Port{{Name: "envoy-admin", Container: 9901}},
		Metrics:      []Metrics{{Port: 9901, Path: "/stats/prometheus"}},
		DockerLabels: map[string]string{"PROMETHEUS_EXPORTER_PORT": "9901", "PROMETHEUS_EXPORTER_PATH": "/stats/prometheus"},
	}
}
