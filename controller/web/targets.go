package web

import (
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"ecs-scrape/reconcile/plan"
)

// targetRow is a target as people look for it.
type targetRow struct {
	URL    string
	Task   string
	Labels []labels.Label // those that series get
}

func targetRows(targets []plan.TargetExplanation) []targetRow {
	out := make([]targetRow, 0, len(targets))
	for i := range targets {
		t := &targets[i]
		row := targetRow{Task: t.Task, URL: t.Address + t.Labels.Get(model.MetricsPathLabel)}
		if scheme := t.Labels.Get(model.SchemeLabel); scheme != "" {
			row.URL = scheme + "://" + row.URL
		}
		t.Labels.Range(func(l labels.Label) {
			if !strings.HasPrefix(l.Name, model.ReservedLabelPrefix) {
				row.Labels = append(row.Labels, l)
			}
		})
		out = append(out, row)
	}
	return out
}
