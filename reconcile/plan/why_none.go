package plan

import "fmt"

// WhyNone says why a ScrapeTarget without findings has no target.
func (p *Plan) WhyNone(object string) string {
	switch dropped := p.Dropped[object]; {
	case dropped > 0:
		return fmt.Sprintf("its relabelConfigs drop %s, and no other is in this Prometheus", counted(dropped, "target"))
	case p.OtherShards > 0:
		return "selects no running container, or only targets of other shards"
	}
	return "selects no running container"
}
