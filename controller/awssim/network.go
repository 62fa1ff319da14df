package awssim

import (
	"fmt"
	"net/netip"
	"strings"
)

// Docker's ephemeral port range, from which ECS takes dynamic host ports.
const (
	firstDynamicPort = 32768
	lastDynamicPort  = 60999
)

// firstHost leaves out the addresses that AWS reserves in a subnet.
const firstHost = 10

// network is the only VPC of a place: three zones with a /16 each.
//
// Place number i has 10.(4i).0.0/14, so that up to 63 places have addresses of
// their own and 65,000 tasks fit in a zone. On-premises instances have
// 192.168.(i).0/24, public addresses come from 198.18.0.0/15.
type network struct {
	index       int
	vpc         string
	subnets     [3]string
	nextHost    [3]int
	nextRemote  int
	nextPublic  int
	nextZone    int
	used        map[netip.Addr]int // how many have it: forced ones may be shared
	forced      []netip.Addr
	dual        map[netip.Addr]netip.Addr // IPv6 addresses, by the IPv4 address beside
	forcedPorts []int
}

func newNetwork(s *Sim, index int) network {
	n := network{index: index, vpc: "vpc-" + s.hexID(17), used: map[netip.Addr]int{}}
	for i := range n.subnets {
		n.subnets[i] = "subnet-" + s.hexID(17)
		n.nextHost[i] = firstHost
	}
	return n
}

// zone answers the next zone, in turn, as a number from 0 to 2.
func (n *network) zone() int {
	z := n.nextZone
	n.nextZone = (z + 1) % len(n.subnets)
	return z
}

// zoneOfNext is the zone of the address that is forced next, where it is one of
// this VPC, else the next one in turn.
func (n *network) zoneOfNext() int {
	if len(n.forced) > 0 && n.forced[0].Is4() {
		b := n.forced[0].As4()
		if z := int(b[1]) - 4*n.index; b[0] == 10 && z >= 0 && z < len(n.subnets) {
			return z
		}
	}
	return n.zone()
}

// zoneNumber reads a zone's name; a name of another region counts as the first.
func zoneNumber(name string) int {
	if z := strings.IndexByte("abc", name[len(name)-1]); z >= 0 {
		return z
	}
	return 0
}

func zoneName(region string, z int) string { return region + "abc"[z:z+1] }

// take answers a free private address of a zone, or the forced one. Addresses
// are handed out in a circle, so that a freed one is not soon used again.
func (n *network) take(zone int) netip.Addr {
	if len(n.forced) > 0 {
		forced := n.forced[0]
		n.forced = n.forced[1:]
		n.used[forced]++
		return forced
	}
	for {
		host := n.nextHost[zone]
		n.nextHost[zone] = host + 1
		if n.nextHost[zone] > 0xfffe {
			n.nextHost[zone] = firstHost
		}
		a := netip.AddrFrom4([4]byte{10, byte(4*n.index + zone), byte(host >> 8), byte(host)})
		if n.used[a] == 0 {
			n.used[a] = 1
			return a
		}
	}
}

// takeRemote answers an address outside the VPC, for an on-premises instance.
func (n *network) takeRemote() netip.Addr {
	if len(n.forced) > 0 {
		return n.take(0)
	}
	n.nextRemote++
	host := n.nextRemote + firstHost
	return netip.AddrFrom4([4]byte{192, 168, byte(n.index*16 + host>>8), byte(host)})
}

func (n *network) takePublic() netip.Addr {
	n.nextPublic++
	host := n.nextPublic
	return netip.AddrFrom4([4]byte{198, byte(18 + n.index%2), byte(host >> 8), byte(host)})
}

func (n *network) free(a netip.Addr) {
	if n.used[a]--; n.used[a] <= 0 {
		delete(n.used, a)
	}
}

// privateName is the DNS name that AWS gives to a private address.
func privateName(a netip.Addr, region string) string {
	if !a.Is4() {
		return ""
	}
	b := a.As4()
	domain := region + ".compute.internal"
	if region == "us-east-1" {
		domain = "ec2.internal"
	}
	return fmt.Sprintf("ip-%d-%d-%d-%d.%s", b[0], b[1], b[2], b[3], domain)
}

// text is an address as AWS prints it, empty for none.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
