package awssim

import "net/netip"

// NextDualStack is NextAddress with an IPv6 address beside the IPv4 one. Tasks
// listen at the IPv4 one.
func (p *Place) NextDualStack(ipv4, ipv6 netip.Addr) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.network.forced = append(p.network.forced, ipv4)
	if p.network.dual == nil {
		p.network.dual = map[netip.Addr]netip.Addr{}
	}
	p.network.dual[ipv4] = ipv6
}

// families are the addresses of an interface by family, given its first one.
func (n *network) families(first netip.Addr) (ipv4, ipv6 netip.Addr) {
	if first.Is4() {
		return first, n.dual[first]
	}
	return netip.Addr{}, first
}
