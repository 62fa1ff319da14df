package plan

import (
	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// ecsDiscoveryDynamic asks for the only port of a container, whatever it is.
const ecsDiscoveryDynamic = "PROMETHEUS_DYNAMIC_EXPORT"

// ecsDiscoveryLabels are the defaults of prometheus-ecs-discovery's flags.
var ecsDiscoveryLabels = dockerLabels{
	port:   "PROMETHEUS_EXPORTER_PORT",
	path:   "PROMETHEUS_EXPORTER_PATH",
	scheme: "PROMETHEUS_EXPORTER_SCHEME",
	host:   "PROMETHEUS_EXPORTER_SERVER_NAME",
	job:    "PROMETHEUS_EXPORTER_JOB_NAME",
}

func readECSDiscovery(w *workload, c *inventory.ContainerDefinition) ([]request, []fault) {
	requests, faults := readExporter(c)
	for i := range requests {
		requests[i].job = orDefault(requests[i].job, w.task.Family())
	}
	return requests, faults
}

func readExporter(c *inventory.ContainerDefinition) ([]request, []fault) {
	if !dockerLabel(c, ecsDiscoveryLabels.port).empty() {
		return ecsDiscoveryLabels.read(c)
	}
	dynamic := dockerLabel(c, ecsDiscoveryDynamic)
	if on, faults := dynamic.enables(c, "1"); !on {
		return nil, faults
	}
	q, faults := ecsDiscoveryLabels.without(c)
	port, f := onlyPort(c, dynamic.place+" asks for the only port")
	if f != nil {
		faults = append(faults, *f)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	q.port = spec.Port{Number: port}
	return []request{q}, nil
}
