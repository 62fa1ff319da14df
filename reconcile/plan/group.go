package plan

import "ecs-scrape/reconcile/inventory"

// kin are running tasks that no selector can tell apart as tasks: it is asked
// once for all of them, which at 50,000 tasks and 200 objects is the difference
// between ten million questions and some hundred thousand.
type kin struct {
	scope      inventory.Scope
	service    string
	definition string
	launch     string
	zone       string
	health     string
}

// group collects records by the kinship of their tasks, in their order.
func group(records []*record) [][]*record {
	index := map[kin]int{}
	var groups [][]*record
	for _, rec := range records {
		t := rec.task
		k := kin{t.Scope, t.Service(), t.Definition, t.LaunchType, t.AvailabilityZone, healthOf(t)}
		i, ok := index[k]
		if !ok {
			i = len(groups)
			index[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], rec)
	}
	return groups
}
