package awssim_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
)

func instanceFilter(ids ...string) []ec2types.Filter {
	return []ec2types.Filter{{Name: aws.String("instance-id"), Values: ids}}
}

func TestDescribeInstances(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	id, err := sim.AddInstance("prod", awssim.Instance{Public: true, Type: "c7g.large", Tags: map[string]string{"Name": "one"}})
	must(t, err)
	mi, err := sim.AddInstance("prod", awssim.Instance{Launch: awssim.LaunchExternal})
	must(t, err)
	client := ec2Client(sim.Place)
	unknown := "i-00000000000000000"
	tests := []struct {
		name  string
		input ec2.DescribeInstancesInput
		want  []string
		code  string
	}{
		{"all", ec2.DescribeInstancesInput{}, []string{id}, ""},
		{"by id", ec2.DescribeInstancesInput{InstanceIds: []string{id}}, []string{id}, ""},
		{"one unknown id", ec2.DescribeInstancesInput{InstanceIds: []string{id, unknown}}, nil, "InvalidInstanceID.NotFound"},
		{"an external id", ec2.DescribeInstancesInput{InstanceIds: []string{id, mi}}, nil, "InvalidInstanceID.Malformed"},
		{"filter", ec2.DescribeInstancesInput{Filters: instanceFilter(id, unknown, mi)}, []string{id}, ""},
		{"tag filter", ec2.DescribeInstancesInput{Filters: []ec2types.Filter{{Name: aws.String("tag:Name"), Values: []string{"one"}}}}, []string{id}, ""},
		{"too many values", ec2.DescribeInstancesInput{Filters: instanceFilter(make([]string, 201)...)}, nil, "FilterLimitExceeded"},
		{"unknown filter", ec2.DescribeInstancesInput{Filters: []ec2types.Filter{{Name: aws.String("x"), Values: []string{"y"}}}}, nil, "InvalidParameterValue"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := client.DescribeInstances(t.Context(), &test.input)
			if test.code != "" {
				wantCode(t, err, test.code)
				return
			}
			must(t, err)
			var got []string
			for _, r := range out.Reservations {
				got = append(got, *r.Instances[0].InstanceId)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("instances (-want +got):\n%s", diff)
			}
		})
	}
	must(t, sim.Tag(id, map[string]string{"Name": "two"}))
	must(t, sim.SetPublicAddress(id, netip.MustParseAddr("198.18.0.9")))
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	must(t, err)
	i := out.Reservations[0].Instances[0]
	got := fmt.Sprint(*i.PrivateIpAddress, " ", *i.PublicIpAddress, " ", i.InstanceType, " ", *i.Placement.AvailabilityZone, " ", *i.VpcId == sim.VPC(), " ", *i.Tags[0].Value)
	if want := "10.0.0.10 198.18.0.9 c7g.large us-east-1a true two"; got != want {
		t.Errorf("instance %s, want %s", got, want)
	}
}

func TestDescribeInstancesPages(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	for range 12 {
		_, err := sim.AddInstance("prod", awssim.Instance{})
		must(t, err)
	}
	pages := ec2.NewDescribeInstancesPaginator(ec2Client(sim.Place), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	var sizes []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		sizes = append(sizes, len(page.Reservations))
	}
	if diff := cmp.Diff([]int{5, 5, 2}, sizes); diff != "" {
		t.Errorf("page sizes (-want +got):\n%s", diff)
	}
}

func TestDescribeNetworkInterfaces(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	_, err := sim.RegisterTaskDefinition(web("web", awssim.ModeAWSVPC))
	must(t, err)
	must(t, sim.CreateService("prod", awssim.Service{Name: "web", TaskDefinition: "web", Launch: awssim.LaunchFargate, Desired: 2, PublicIP: true}))
	arns, err := sim.RunningTasks("prod", "web")
	must(t, err)
	info, err := sim.Task(arns[0])
	must(t, err)
	client := ec2Client(sim.Place)
	for name, input := range map[string]*ec2.DescribeNetworkInterfacesInput{
		"id":     {NetworkInterfaceIds: []string{info.Interface}},
		"filter": {Filters: []ec2types.Filter{{Name: aws.String("network-interface-id"), Values: []string{info.Interface}}}},
	} {
		out, err := client.DescribeNetworkInterfaces(t.Context(), input)
		must(t, err)
		if len(out.NetworkInterfaces) != 1 {
			t.Fatalf("by %s: %d interfaces, want 1", name, len(out.NetworkInterfaces))
		}
		ni := out.NetworkInterfaces[0]
		if *ni.PrivateIpAddress != info.Address || *ni.Association.PublicIp == "" || *ni.VpcId != sim.VPC() {
			t.Errorf("by %s: interface %s %s", name, *ni.PrivateIpAddress, *ni.Association.PublicIp)
		}
	}
	must(t, sim.SetPublicAddress(arns[0], netip.MustParseAddr("198.18.7.7")))
	must(t, sim.SetPublicAddress(arns[1], netip.Addr{}))
	if err := sim.SetPublicAddress("nothing", netip.Addr{}); err == nil {
		t.Error("nothing has a public address")
	}
	out, err := client.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{})
	must(t, err)
	for _, ni := range out.NetworkInterfaces {
		if mine := *ni.NetworkInterfaceId == info.Interface; mine != (ni.Association != nil) || mine && *ni.Association.PublicIp != "198.18.7.7" {
			t.Errorf("interface %s has %+v", *ni.NetworkInterfaceId, ni.Association)
		}
	}
	must(t, sim.Scale("prod", "web", 1))
	must(t, sim.StopTask(arns[0], "test"))
	_, err = client.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{info.Interface}})
	wantCode(t, err, "InvalidNetworkInterfaceID.NotFound")
}

func TestDescribeInstanceInformation(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	var ids []string
	for range 3 {
		id, err := sim.AddInstance("prod", awssim.Instance{Launch: awssim.LaunchExternal})
		must(t, err)
		ids = append(ids, id)
	}
	service(t, sim.Place, web("web", awssim.ModeHost), awssim.LaunchExternal, 1)
	info, err := sim.Task(only(t, sim.Place, "web"))
	must(t, err)
	client := ssm.NewFromConfig(sim.AWSConfig())
	out, err := client.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{
		Filters: []ssmtypes.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: []string{info.Instance, "mi-unknown"}}},
	})
	must(t, err)
	if len(out.InstanceInformationList) != 1 || *out.InstanceInformationList[0].IPAddress != info.Address {
		t.Errorf("information %+v, want address %s", out.InstanceInformationList, info.Address)
	}
	must(t, sim.LoseInstance(ids[2]))
	out, err = client.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{})
	must(t, err)
	if len(out.InstanceInformationList) != 2 {
		t.Errorf("%d instances, want 2", len(out.InstanceInformationList))
	}
}

func TestContainerInstances(t *testing.T) {
	sim := start(t, awssim.Options{})
	sim.CreateCluster("prod", nil)
	for range 130 {
		_, err := sim.AddInstance("prod", awssim.Instance{Tags: map[string]string{"a": "b"}})
		must(t, err)
	}
	client := ecsClient(sim.Place)
	pages := ecs.NewListContainerInstancesPaginator(client, &ecs.ListContainerInstancesInput{Cluster: aws.String("prod")})
	var sizes []int
	var last []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		last = page.ContainerInstanceArns
		sizes = append(sizes, len(last))
	}
	if diff := cmp.Diff([]int{100, 30}, sizes); diff != "" {
		t.Errorf("page sizes (-want +got):\n%s", diff)
	}
	out, err := client.DescribeContainerInstances(t.Context(), &ecs.DescribeContainerInstancesInput{
		Cluster: aws.String("prod"), ContainerInstances: append(last[:1], "0123456789abcdef0123456789abcdef"),
	})
	must(t, err)
	i := out.ContainerInstances[0]
	if len(out.Failures) != 1 || !i.AgentConnected || *i.Status != "ACTIVE" || i.Tags != nil {
		t.Errorf("container instance %+v, failures %v", i, out.Failures)
	}
}

func TestAccountsAndRoles(t *testing.T) {
	sim := start(t, awssim.Options{})
	const role = "arn:aws:iam::210987654321:role/reader"
	other := sim.Region("210987654321", "us-east-1")
	service(t, other, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 1)
	client := sts.NewFromConfig(sim.AWSConfig())
	who, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	must(t, err)
	if *who.Account != "123456789012" {
		t.Errorf("account %s", *who.Account)
	}
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("s")})
	wantCode(t, err, "AccessDenied")
	sim.AllowRole(role, "secret")
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("s")})
	wantCode(t, err, "AccessDenied")

	config := sim.AWSConfig()
	config.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) {
		o.ExternalID = aws.String("secret")
	}))
	who, err = sts.NewFromConfig(config).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	must(t, err)
	if *who.Account != "210987654321" {
		t.Errorf("account %s as the role", *who.Account)
	}
	tasks, err := ecs.NewFromConfig(config).ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod")})
	must(t, err)
	if len(tasks.TaskArns) != 1 {
		t.Errorf("%d tasks in the role's account, want 1", len(tasks.TaskArns))
	}
	wantCode(t, listTasks(t.Context(), sim.Place), "ClusterNotFoundException")
}
