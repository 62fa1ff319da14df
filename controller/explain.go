package controller

import "ecs-scrape/reconcile/plan"

// Explain tells why something is scraped or is not, from what the last
// successful pass knew; the query is as in [plan.Explain]. One is answered at a
// time, for each plans once more. It may be called from any goroutine.
func (c *Controller) Explain(query string) (*plan.Explanation, error) {
	c.explaining.Lock()
	defer c.explaining.Unlock()
	return c.explained.Load().Explain(query)
}
