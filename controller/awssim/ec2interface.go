package awssim

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

type ec2InterfacesResponse struct {
	XMLName    xml.Name       `xml:"DescribeNetworkInterfacesResponse"`
	Namespace  string         `xml:"xmlns,attr"`
	RequestID  string         `xml:"requestId"`
	Interfaces []ec2Interface `xml:"networkInterfaceSet>item"`
	NextToken  string         `xml:"nextToken,omitempty"`
}

type ec2Interface struct {
	ID          string              `xml:"networkInterfaceId"`
	Subnet      string              `xml:"subnetId"`
	VPC         string              `xml:"vpcId"`
	Zone        string              `xml:"availabilityZone"`
	Description string              `xml:"description"`
	Owner       string              `xml:"ownerId"`
	Status      string              `xml:"status"`
	MAC         string              `xml:"macAddress"`
	Private     string              `xml:"privateIpAddress,omitempty"`
	Association *ec2Association     `xml:"association"`
	IPv6        []ec2IPv6           `xml:"ipv6AddressesSet>item"`
	Addresses   []ec2PrivateAddress `xml:"privateIpAddressesSet>item"`
}

type ec2Association struct {
	PublicIP string `xml:"publicIp"`
	Owner    string `xml:"ipOwnerId"`
}

type ec2IPv6 struct {
	Address string `xml:"ipv6Address"`
}

type ec2PrivateAddress struct {
	Address     string          `xml:"privateIpAddress"`
	Primary     bool            `xml:"primary"`
	Association *ec2Association `xml:"association"`
}

// ec2DescribeNetworkInterfaces knows the interfaces of awsvpc tasks.
func (p *Place) ec2DescribeNetworkInterfaces(form url.Values) (*ec2InterfacesResponse, error) {
	filters, err := ec2Filters(form)
	if err != nil {
		return nil, err
	}
	chosen, err := p.ec2Interfaces(numbered(form, "NetworkInterfaceId"))
	if err != nil {
		return nil, err
	}
	chosen, err = matching(chosen, filters, (*task).ec2Value)
	if err != nil {
		return nil, err
	}
	page, next, err := ec2Page("DescribeNetworkInterfaces", chosen, func(t *task) string { return t.eni }, form)
	if err != nil {
		return nil, err
	}
	out := &ec2InterfacesResponse{Namespace: ec2Namespace, RequestID: uuid(p.sim), NextToken: next}
	for _, t := range page {
		out.Interfaces = append(out.Interfaces, t.ec2())
	}
	return out, nil
}

func (p *Place) ec2Interfaces(ids []string) ([]*task, error) {
	var out []*task
	for _, id := range ids {
		t, ok := p.interfaces[id]
		if !ok {
			return nil, badRequest("InvalidNetworkInterfaceID.NotFound", fmt.Sprintf("The networkInterface ID '%s' does not exist", id))
		}
		out = append(out, t)
	}
	if len(ids) == 0 {
		for _, t := range p.interfaces {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *task) int { return strings.Compare(a.eni, b.eni) })
	return out, nil
}

func (t *task) ec2Value(filter string) (string, bool) {
	switch filter {
	case "network-interface-id":
		return t.eni, true
	case "private-ip-address", "addresses.private-ip-address":
		return t.address.String(), true
	case "vpc-id":
		return t.place.network.vpc, true
	case "subnet-id":
		return t.subnet, true
	}
	return "", false
}

func (t *task) ec2() ec2Interface {
	out := ec2Interface{
		ID: t.eni, Subnet: t.subnet, VPC: t.place.network.vpc, Zone: t.zone, Owner: t.place.scope.Account,
		Description: "arn:aws:ecs:" + t.place.scope.Region + ":" + t.place.scope.Account + ":attachment/" + t.attachment,
		Status:      "in-use", MAC: t.mac,
	}
	if t.public.IsValid() {
		out.Association = &ec2Association{PublicIP: t.public.String(), Owner: t.place.scope.Account}
	}
	ipv4, ipv6 := t.place.network.families(t.address)
	if ipv4.IsValid() {
		out.Private = ipv4.String()
		out.Addresses = []ec2PrivateAddress{{Address: out.Private, Primary: true, Association: out.Association}}
	}
	if ipv6.IsValid() {
		out.IPv6 = []ec2IPv6{{ipv6.String()}}
	}
	return out
}
