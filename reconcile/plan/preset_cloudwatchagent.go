package plan

import "ecs-scrape/reconcile/inventory"

// cloudWatchAgentLabels are the defaults of the CloudWatch agent's
// ecs_service_discovery, docker_label. OpenTelemetry's ecs_observer has the same
// port label by default.
var cloudWatchAgentLabels = dockerLabels{
	port: "ECS_PROMETHEUS_EXPORTER_PORT",
	path: "ECS_PROMETHEUS_METRICS_PATH",
	job:  "job",
}

func readCloudWatchAgent(_ *workload, c *inventory.ContainerDefinition) ([]request, []fault) {
	if dockerLabel(c, cloudWatchAgentLabels.port).empty() {
		return nil, nil
	}
	return cloudWatchAgentLabels.read(c)
}
