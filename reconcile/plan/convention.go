package plan

import "ecs-scrape/reconcile/inventory"

// preset reads what a container says in the words of another tool.
type preset struct {
	// environment are the variables that it looks at.
	environment []string
	// read gives what the container asks for; neither requests nor faults where
	// it says nothing.
	read func(w *workload, c *inventory.ContainerDefinition) ([]request, []fault)
}

var presets = map[string]*preset{}

func (p *preset) ask(w *workload) ([]request, []fault) {
	var out []request
	var faults []fault
	for _, c := range w.selected {
		requests, f := p.read(w, c)
		out, faults = append(out, requests...), append(faults, f...)
	}
	return out, faults
}
