package plan

import "ecs-scrape/reconcile/inventory"

const prometheusIOScrape = "prometheus.io/scrape"

var prometheusIOLabels = dockerLabels{
	port:   "prometheus.io/port",
	path:   "prometheus.io/path",
	scheme: "prometheus.io/scheme",
}

func readPrometheusIO(_ *workload, c *inventory.ContainerDefinition) ([]request, []fault) {
	if on, faults := dockerLabel(c, prometheusIOScrape).enables(c, "true"); !on {
		return nil, faults
	}
	if port := dockerLabel(c, prometheusIOLabels.port); port.empty() {
		return nil, []fault{{CodeNoPortValue, c.Name, port.place + " is missing: set it to the container port that serves metrics"}}
	}
	return prometheusIOLabels.read(c)
}
