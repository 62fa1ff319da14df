package plan

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"ecs-scrape/reconcile/inventory"
)

// preset reads what a container says in the words of another tool.
type preset struct {
	// environment are the variables that it looks at.
	environment []string
	// read gives what the container asks for; neither requests nor faults where
	// it says nothing.
	read func(w *workload, c *inventory.ContainerDefinition) ([]request, []fault)
}

// presets are the conventions by their names. What each reads, and where it
// differs from the tool that the words are from, is told in docs/conventions.md.
var presets = map[string]*preset{
	"prometheus-ecs-sd":        {environment: ecsSDVariables, read: readECSSD},
	"prometheus-ecs-discovery": {read: readECSDiscovery},
	"cloudwatch-agent":         {read: readCloudWatchAgent},
	"prometheus.io":            {read: readPrometheusIO},
}

// ask asks the selected containers that run: of the others nothing is missing.
func (p *preset) ask(w *workload) ([]request, []fault) {
	var out []request
	var faults []fault
	for _, c := range w.selected {
		if w.running(c.Name) == nil {
			continue
		}
		requests, f := p.read(w, c)
		out, faults = append(out, requests...), append(faults, f...)
	}
	return mappedFirst(out), faults
}

// dockerLabels are the docker labels by which a convention says how a container
// is scraped; "" is none. An empty value is the default.
type dockerLabels struct {
	port, path, scheme, host, job string
}

// read gives the container's request, or all that is wrong with its labels.
func (l dockerLabels) read(c *inventory.ContainerDefinition) ([]request, []fault) {
	q, faults := l.without(c)
	port := dockerLabel(c, l.port)
	number, ok := port.number()
	if !ok {
		faults = append(faults, port.wrong(c, CodeBadPort, "no port: write the container port as a plain number from 1 to 65535"))
	}
	if len(faults) > 0 {
		return nil, faults
	}
	q.port, q.portWords = number, port.portWords()
	return []request{q}, nil
}

// without is the container's request without a port.
func (l dockerLabels) without(c *inventory.ContainerDefinition) (request, []fault) {
	path, scheme, host := dockerLabel(c, l.path), dockerLabel(c, l.scheme), dockerLabel(c, l.host)
	name := strings.TrimRight(host.value, "/")
	var faults []fault
	if why := wrongPath(path.value); why != "" && !path.empty() {
		faults = append(faults, path.wrong(c, CodeBadPath, why))
	}
	if !scheme.empty() && scheme.value != "http" && scheme.value != "https" {
		faults = append(faults, scheme.wrong(c, CodeBadScheme, "no scheme: write http or https"))
	}
	if !host.empty() && !isHost(name) {
		faults = append(faults, host.wrong(c, CodeBadHost, "no name of a server: write a host name or an address, without scheme and port"))
	}
	q := request{path: path.value, scheme: scheme.value, host: name, job: dockerLabel(c, l.job).value}
	return q.of(c), faults
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$`)

func isHost(name string) bool {
	if hostName.MatchString(name) {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// onlyPort is the one TCP port that a container maps. None or several are a
// fault, for why does not say which.
func onlyPort(c *inventory.ContainerDefinition, why string) (uint16, *fault) {
	var ranges []inventory.PortRange
	for _, m := range c.Ports {
		if m.Protocol == tcp {
			ranges = append(ranges, m.Container)
		}
	}
	switch {
	case len(ranges) == 0:
		return 0, &fault{CodeNoPortValue, c.Name, fmt.Sprintf("%s, and the container maps no TCP port: map one", why)}
	case len(ranges) > 1 || ranges[0].First != ranges[0].Last:
		return 0, &fault{CodeAmbiguousPort, c.Name, fmt.Sprintf(
			"%s, and the container maps more than one TCP port: say which, or map only one", why)}
	}
	return ranges[0].First, nil
}
