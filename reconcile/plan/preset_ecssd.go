package plan

import (
	"fmt"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// The environment variables of prometheus-ecs-sd.
const (
	ecsSDEnabled       = "PROMETHEUS"
	ecsSDEndpoint      = "PROMETHEUS_ENDPOINT"
	ecsSDPort          = "PROMETHEUS_PORT"
	ecsSDContainerPort = "PROMETHEUS_CONTAINER_PORT"
	ecsSDNoLabels      = "PROMETHEUS_NOLABELS"
)

var ecsSDVariables = []string{ecsSDEnabled, ecsSDEndpoint, ecsSDPort, ecsSDContainerPort, ecsSDNoLabels}

// ecsSDIntervals are those that its documentation allows.
var ecsSDIntervals = []string{"15s", "30s", "1m", "5m"}

// ecsSDPathLabel tells apart the paths of one port, which all their other labels
// do not.
const ecsSDPathLabel = "metrics_path"

// ecsSDFallbackPort is taken in awsvpc and host mode where a container maps no
// port and names none.
const ecsSDFallbackPort = 80

func readECSSD(w *workload, c *inventory.ContainerDefinition) ([]request, []fault) {
	if on, faults := w.variable(c, ecsSDEnabled).enables(c, "true"); !on {
		return nil, faults
	}
	q := request{job: w.task.Family(), bare: w.variable(c, ecsSDNoLabels).value == "true"}.of(c)
	var faults []fault
	if f := w.ecsSDPort(c, &q); f != nil {
		faults = append(faults, *f)
	}
	entries, f := w.ecsSDEntries(c)
	faults = append(faults, f...)
	if q.literal == 0 && q.port == (spec.Port{}) {
		return nil, faults
	}
	var out []request
	for _, e := range entries {
		q.path, q.interval = e.path, e.interval
		q.labels = map[string]string{ecsSDPathLabel: q.metricsPath()}
		out = append(out, q)
	}
	return out, faults
}

// ecsSDPort sets the port of the request: the one that is named, else the first
// that the container maps.
func (w *workload) ecsSDPort(c *inventory.ContainerDefinition, q *request) *fault {
	bridge := w.definition.Mode() == inventory.NetworkBridge
	const remedy = "no port: write a plain number from 1 to 65535"
	if port := w.variable(c, ecsSDPort); !port.empty() {
		number, ok := port.number()
		if !ok {
			return new(port.wrong(c, CodeBadPort, remedy))
		}
		q.literal = number.Number
		return nil
	}
	if port := w.variable(c, ecsSDContainerPort); bridge && !port.empty() {
		number, ok := port.number()
		if !ok {
			return new(port.wrong(c, CodeBadPort, remedy))
		}
		q.port, q.portWords = number, port.portWords()
		return nil
	}
	q.port.Number = w.firstPort(c)
	switch {
	case q.port.Number != 0:
	case bridge:
		return &fault{CodeNoPortValue, c.Name, fmt.Sprintf(
			"environment variable %q asks for scraping, and the container maps no TCP port: map one, or set %s to a port of the host",
			ecsSDEnabled, ecsSDPort)}
	default:
		q.port.Number = ecsSDFallbackPort
	}
	return nil
}

// firstPort is the first TCP port that a container maps, or 0; in bridge mode
// the first that is bound, where one is.
func (w *workload) firstPort(c *inventory.ContainerDefinition) uint16 {
	var first uint16
	running := w.running(c.Name)
	for _, m := range c.Ports {
		if m.Protocol != tcp {
			continue
		}
		if first == 0 {
			first = m.Container.First
		}
		if _, bound := hostPort(running, m.Container.First); bound {
			return m.Container.First
		}
	}
	return first
}

// ecsSDEntries are the paths to scrape, each once.
func (w *workload) ecsSDEntries(c *inventory.ContainerDefinition) ([]ecsSDEntry, []fault) {
	endpoint := w.variable(c, ecsSDEndpoint)
	if endpoint.empty() {
		return []ecsSDEntry{{}}, nil
	}
	var out []ecsSDEntry
	var faults []fault
	for i, e := range parseECSSDEndpoint(endpoint.value) {
		entry := said{place: fmt.Sprintf("entry %d of %s", i+1, endpoint.place), hidden: true}
		if e.badPath {
			faults = append(faults, entry.wrong(c, CodeBadPath, "no metrics path: write /path or interval:/path, without ?, # and blanks"))
			continue
		}
		if e.badInterval {
			faults = append(faults, entry.wrong(c, CodeBadInterval, fmt.Sprintf(
				"scraped at the interval of its scrape class, for its own is none of %s: write one of these", strings.Join(ecsSDIntervals, ", "))))
		}
		same := slices.IndexFunc(out, func(o ecsSDEntry) bool { return o.path == e.path })
		switch {
		case same < 0:
			out = append(out, e)
		case out[same].interval != e.interval:
			faults = append(faults, entry.wrong(c, CodeBadInterval, "the path of an earlier entry at another interval, and is left out: remove one of them"))
		}
	}
	return out, faults
}

// ecsSDEntry is one entry of PROMETHEUS_ENDPOINT.
type ecsSDEntry struct {
	path     string
	interval string // "" is the class's

	badPath, badInterval bool
}

// parseECSSDEndpoint reads "[interval:]path,...". A path may hold colons.
func parseECSSDEndpoint(value string) []ecsSDEntry {
	var out []ecsSDEntry
	for text := range strings.SplitSeq(value, ",") {
		e := ecsSDEntry{path: strings.TrimSpace(text)}
		if interval, path, ok := strings.Cut(e.path, ":"); ok && !strings.HasPrefix(e.path, "/") {
			e.interval, e.path = interval, path
			e.badInterval = !slices.Contains(ecsSDIntervals, interval)
			if e.badInterval {
				e.interval = ""
			}
		}
		e.badPath = !isPath(e.path)
		out = append(out, e)
	}
	return out
}
