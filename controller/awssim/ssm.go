package awssim

import (
	"cmp"
	"slices"
)

// ssmPage is the largest page of DescribeInstanceInformation.
const ssmPage = 50

func ssmOperations() map[string]operation {
	return map[string]operation{"DescribeInstanceInformation": typed((*Place).ssmDescribeInstanceInformation)}
}

type ssmInput struct {
	Filters []struct {
		Key    string
		Values []string
	}
	InstanceInformationFilterList []struct {
		Key      string
		ValueSet []string
	}
	MaxResults *int
	NextToken  string
}

type ssmOutput struct {
	InstanceInformationList []ssmInstance
	NextToken               string `json:",omitempty"`
}

type ssmInstance struct {
	InstanceID       string `json:"InstanceId"`
	PingStatus       string
	LastPingDateTime any
	AgentVersion     string
	IsLatestVersion  bool
	PlatformType     string
	PlatformName     string
	ActivationID     string `json:"ActivationId"`
	ResourceType     string
	IPAddress        string
	ComputerName     string
}

// ssmDescribeInstanceInformation knows the external instances only: EC2
// instances would have to run the SSM agent.
func (p *Place) ssmDescribeInstanceInformation(in *ssmInput) (*ssmOutput, error) {
	size, err := pageSize(in.MaxResults, ssmPage, ssmPage)
	if err != nil {
		return nil, badRequest("ValidationException", "MaxResults is out of range")
	}
	token, err := parseToken("DescribeInstanceInformation", in.NextToken)
	if err != nil {
		return nil, badRequest("InvalidNextToken", "The specified token isn't valid.")
	}
	wanted, err := in.ids()
	if err != nil {
		return nil, err
	}
	var all []*instance
	for _, i := range p.instances {
		if i.Launch == LaunchExternal && i.known && (wanted == nil || slices.Contains(wanted, i.ID)) {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b *instance) int { return cmp.Compare(a.ID, b.ID) })
	page, next := pageOfItems(all, func(i *instance) string { return i.ID }, token, size)
	out := &ssmOutput{InstanceInformationList: []ssmInstance{}, NextToken: next}
	for _, i := range page {
		out.InstanceInformationList = append(out.InstanceInformationList, i.ssm())
	}
	return out, nil
}

// ids are the instances that either kind of filter names; nil means all.
func (in *ssmInput) ids() ([]string, error) {
	var out []string
	for _, f := range in.Filters {
		switch f.Key {
		case "InstanceIds":
			out = append(out, f.Values...)
		case "ResourceType", "PingStatus":
		default:
			return nil, badRequest("InvalidFilterKey", "The specified key isn't valid.")
		}
	}
	for _, f := range in.InstanceInformationFilterList {
		if f.Key == "InstanceIds" {
			out = append(out, f.ValueSet...)
		}
	}
	return out, nil
}

func (i *instance) ssm() ssmInstance {
	return ssmInstance{
		InstanceID: i.ID, PingStatus: "Online", LastPingDateTime: epochSeconds(i.place.now()), AgentVersion: "3.3.987.0",
		IsLatestVersion: true, PlatformType: "Linux", PlatformName: "Debian GNU/Linux", ActivationID: i.id,
		ResourceType: "ManagedInstance", IPAddress: i.address.String(), ComputerName: "host-" + i.ID,
	}
}
