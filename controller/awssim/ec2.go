package awssim

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The limits of the Amazon EC2 API reference.
const (
	ec2FilterValues = 200
	ec2MaxPage      = 1000
	ec2Namespace    = "http://ec2.amazonaws.com/doc/2016-11-15/"
)

var instanceID = regexp.MustCompile(`^i-[0-9a-f]{8}([0-9a-f]{9})?$`)

func ec2Operations() map[string]operation {
	return map[string]operation{
		"DescribeInstances":         queried((*Place).ec2DescribeInstances),
		"DescribeNetworkInterfaces": queried((*Place).ec2DescribeNetworkInterfaces),
	}
}

// queried makes an operation of a function of a form, run under the lock.
func queried[Out any](f func(p *Place, form url.Values) (Out, error)) operation {
	return func(_ context.Context, r *request) (any, error) {
		var out Out
		err := r.place.change(func() error {
			var err error
			out, err = f(r.place, r.form)
			return err
		})
		return out, err
	}
}

// ec2Filter is Filter.N.Name and its values.
type ec2Filter struct {
	name   string
	values []string
}

func ec2Filters(form url.Values) ([]ec2Filter, error) {
	var out []ec2Filter
	values := 0
	for n := 1; ; n++ {
		prefix := "Filter." + strconv.Itoa(n)
		if !form.Has(prefix + ".Name") {
			return out, nil
		}
		f := ec2Filter{name: form.Get(prefix + ".Name"), values: numbered(form, prefix+".Value")}
		if values += len(f.values); values > ec2FilterValues {
			return nil, badRequest("FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200")
		}
		out = append(out, f)
	}
}

// holds says whether one of the filter's values equals value; * and ? are not
// simulated.
func (f ec2Filter) holds(value string) bool { return slices.Contains(f.values, value) }

// matching keeps the items for which every filter holds. The function answers
// an item's value of a filter, and false for a filter it does not know.
func matching[T any](items []T, filters []ec2Filter, value func(T, string) (string, bool)) ([]T, error) {
	for _, f := range filters {
		var unknown bool
		items = slices.DeleteFunc(items, func(item T) bool {
			v, ok := value(item, f.name)
			unknown = unknown || !ok
			return !f.holds(v)
		})
		if unknown {
			return nil, badRequest("InvalidParameterValue", fmt.Sprintf("The filter '%s' is invalid", f.name))
		}
	}
	return items, nil
}

type ec2InstancesResponse struct {
	XMLName      xml.Name         `xml:"DescribeInstancesResponse"`
	Namespace    string           `xml:"xmlns,attr"`
	RequestID    string           `xml:"requestId"`
	Reservations []ec2Reservation `xml:"reservationSet>item"`
	NextToken    string           `xml:"nextToken,omitempty"`
}

type ec2Reservation struct {
	ID        string        `xml:"reservationId"`
	Owner     string        `xml:"ownerId"`
	Instances []ec2Instance `xml:"instancesSet>item"`
}

type ec2Instance struct {
	ID           string   `xml:"instanceId"`
	ImageID      string   `xml:"imageId"`
	StateCode    int      `xml:"instanceState>code"`
	State        string   `xml:"instanceState>name"`
	PrivateName  string   `xml:"privateDnsName"`
	PublicName   string   `xml:"dnsName"`
	Type         string   `xml:"instanceType"`
	LaunchTime   any      `xml:"launchTime"`
	Zone         string   `xml:"placement>availabilityZone"`
	Tenancy      string   `xml:"placement>tenancy"`
	Subnet       string   `xml:"subnetId"`
	VPC          string   `xml:"vpcId"`
	Private      string   `xml:"privateIpAddress,omitempty"`
	IPv6         string   `xml:"ipv6Address,omitempty"`
	Public       string   `xml:"ipAddress,omitempty"`
	Architecture string   `xml:"architecture"`
	Tags         []ec2Tag `xml:"tagSet>item"`
}

type ec2Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func (p *Place) ec2DescribeInstances(form url.Values) (*ec2InstancesResponse, error) {
	filters, err := ec2Filters(form)
	if err != nil {
		return nil, err
	}
	chosen, err := p.ec2Chosen(numbered(form, "InstanceId"))
	if err != nil {
		return nil, err
	}
	chosen, err = matching(chosen, filters, (*instance).ec2Value)
	if err != nil {
		return nil, err
	}
	page, next, err := ec2Page("DescribeInstances", chosen, func(i *instance) string { return i.ID }, form)
	if err != nil {
		return nil, err
	}
	out := &ec2InstancesResponse{Namespace: ec2Namespace, RequestID: uuid(p.sim), NextToken: next}
	for _, i := range page {
		out.Reservations = append(out.Reservations, ec2Reservation{
			ID: "r-" + strings.TrimPrefix(i.ID, "i-"), Owner: p.scope.Account, Instances: []ec2Instance{i.ec2()},
		})
	}
	return out, nil
}

// ec2Chosen answers the instances with the given ids, or all. One malformed or
// unknown id fails the whole call.
func (p *Place) ec2Chosen(ids []string) ([]*instance, error) {
	var unknown []string
	var out []*instance
	for _, id := range ids {
		if !instanceID.MatchString(id) {
			return nil, badRequest("InvalidInstanceID.Malformed", fmt.Sprintf("Invalid id: %q", id))
		}
		if i, ok := p.instances[id]; ok && i.known {
			out = append(out, i)
		} else {
			unknown = append(unknown, id)
		}
	}
	switch {
	case len(unknown) == 1:
		return nil, badRequest("InvalidInstanceID.NotFound", fmt.Sprintf("The instance ID '%s' does not exist", unknown[0]))
	case len(unknown) > 1:
		return nil, badRequest("InvalidInstanceID.NotFound", fmt.Sprintf("The instance IDs '%s' do not exist", strings.Join(unknown, ", ")))
	}
	if len(ids) == 0 {
		for _, i := range p.instances {
			if i.Launch != LaunchExternal && i.known {
				out = append(out, i)
			}
		}
	}
	slices.SortFunc(out, func(a, b *instance) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// ec2Page cuts out a page; without MaxResults everything is one page.
func ec2Page[T any](operation string, items []T, name func(T) string, form url.Values) ([]T, string, error) {
	token, err := parseToken(operation, form.Get("NextToken"))
	if err != nil {
		return nil, "", badRequest("InvalidNextToken", "The token is not valid")
	}
	size := len(items)
	if n := number(form, "MaxResults"); n != nil {
		if *n < 5 || *n > ec2MaxPage {
			return nil, "", badRequest("InvalidParameterValue", "MaxResults must be between 5 and 1000")
		}
		size = *n
	}
	page, next := pageOfItems(items, name, token, size)
	return page, next, nil
}

func (i *instance) ec2Value(filter string) (string, bool) {
	switch filter {
	case "instance-id":
		return i.ID, true
	case "vpc-id":
		return i.place.network.vpc, true
	case "private-ip-address":
		return i.address.String(), true
	case "instance-state-name":
		return "running", true
	}
	if key, ok := strings.CutPrefix(filter, "tag:"); ok {
		return i.Tags[key], true
	}
	return "", false
}

func (i *instance) ec2() ec2Instance {
	ipv4, ipv6 := i.place.network.families(i.address)
	out := ec2Instance{
		ID: i.ID, ImageID: "ami-0abcdef1234567890", StateCode: 16, State: "running",
		PrivateName: privateName(ipv4, i.place.scope.Region), Type: i.Type, LaunchTime: isoString(i.registered),
		Zone: i.Zone, Tenancy: "default", Subnet: i.place.network.subnets[i.zone], VPC: i.place.network.vpc,
		Private: text(ipv4), IPv6: text(ipv6), Public: text(i.public), Architecture: "x86_64",
	}
	for _, tag := range wireTags(i.Tags) {
		out.Tags = append(out.Tags, ec2Tag(tag))
	}
	return out
}
