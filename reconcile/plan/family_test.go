package plan

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/reconcile/inventory"
)

// The preferred family is scraped where there is an address of it, whichever
// part of the answer has it; else the other.
func TestIPFamily(t *testing.T) {
	v4, v6 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")
	own := func(attachment *inventory.Interface, addresses ...netip.Addr) func(*world, *inventory.Task) {
		return func(_ *world, t *inventory.Task) { t.Containers[0].Addresses, t.Interface = addresses, attachment }
	}
	machine := func(ipv4, ipv6 netip.Addr) func(*world, *inventory.Task) {
		return func(w *world, t *inventory.Task) {
			t.Instance, t.Containers[0].Bindings = "machine", []inventory.PortBinding{bind(9090, 32768)}
			w.Instances["machine"] = &inventory.Instance{ARN: "machine", MachineID: "i-1", IPv4: ipv4, IPv6: ipv6}
		}
	}
	for _, tt := range []struct {
		name, mode string
		edit       func(*world, *inventory.Task)
		want       map[string]string // by family
	}{
		{
			"container has both", "awsvpc", own(nil, v4, v6),
			map[string]string{"": "10.0.0.1:9090", "IPv4": "10.0.0.1:9090", "IPv6": "[2001:db8::1]:9090"},
		},
		{"IPv4 only", "awsvpc", own(nil, v4), map[string]string{"IPv4": "10.0.0.1:9090", "IPv6": "10.0.0.1:9090"}},
		{"IPv6 only", "awsvpc", own(nil, v6), map[string]string{"IPv4": "[2001:db8::1]:9090", "IPv6": "[2001:db8::1]:9090"}},
		{
			"attachment alone", "awsvpc", own(&inventory.Interface{IPv4: v4, IPv6: v6}),
			map[string]string{"IPv4": "10.0.0.1:9090", "IPv6": "[2001:db8::1]:9090"},
		},
		{
			"each has one", "awsvpc", own(&inventory.Interface{IPv6: v6}, v4),
			map[string]string{"IPv4": "10.0.0.1:9090", "IPv6": "[2001:db8::1]:9090"},
		},
		{
			"each has the other one", "awsvpc", own(&inventory.Interface{IPv4: v4}, v6),
			map[string]string{"IPv4": "10.0.0.1:9090", "IPv6": "[2001:db8::1]:9090"},
		},
		{
			"the container's before the attachment's", "awsvpc",
			own(&inventory.Interface{IPv4: netip.MustParseAddr("10.9.9.9"), IPv6: netip.MustParseAddr("2001:db8::9")}, v4, v6),
			map[string]string{"IPv4": "10.0.0.1:9090", "IPv6": "[2001:db8::1]:9090"},
		},
		{"bridge", "bridge", machine(v4, v6), map[string]string{"IPv4": "10.0.0.1:32768", "IPv6": "[2001:db8::1]:32768"}},
		{"host", "host", machine(v4, v6), map[string]string{"IPv4": "10.0.0.1:9090", "IPv6": "[2001:db8::1]:9090"}},
		{"host, IPv4 only", "host", machine(v4, netip.Addr{}), map[string]string{"IPv6": "10.0.0.1:9090"}},
		{"host, IPv6 only", "host", machine(netip.Addr{}, v6), map[string]string{"IPv4": "[2001:db8::1]:9090"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := map[string]string{}
			for family := range tt.want {
				config := "  alertmanagers: [{name: am, selector: {}, port: metrics}]\n"
				if family != "" {
					config += "  ipFamily: " + family + "\n"
				}
				w := newWorld()
				definition := w.define("web", tt.mode, container("app", port("metrics", 9090)))
				tt.edit(w, w.run("t1", "web", definition, nil))
				p := build(t, &w.Snapshot, nil, configWith(config), scrapeTarget("web", "  selector: {}\n  endpoints: [{port: metrics}]\n"))
				var found []string // by the ScrapeTarget and as an Alertmanager
				for _, pool := range p.Bundle.Pools {
					for _, target := range pool.Targets {
						found = append(found, target.Address())
					}
				}
				if len(found) != 2 || found[0] != found[1] {
					t.Fatalf("found %q", found)
				}
				got[family] = found[0]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
