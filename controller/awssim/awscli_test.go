package awssim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ecs-scrape/controller/awssim"
)

// cli runs the aws command of the distribution, or else any.
type cli struct {
	t      *testing.T
	binary string
	sim    *awssim.Sim
	home   string
}

func newCLI(t *testing.T, sim *awssim.Sim) cli {
	t.Helper()
	binary := "/usr/bin/aws" // Debian's
	if _, err := os.Stat(binary); err != nil {
		if binary, err = exec.LookPath("aws"); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal("no aws command: CI installs Debian's package awscli")
			}
			t.Skip("no aws command: install the package awscli to run this test")
		}
	}
	return cli{t: t, binary: binary, sim: sim, home: t.TempDir()}
}

// run answers the text output of an aws command, blanks squeezed.
func (c cli) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.binary, append([]string{"--endpoint-url", c.sim.URL(), "--output", "text"}, args...)...)
	cmd.Env = append(c.sim.Env(), "HOME="+c.home, "PATH="+os.Getenv("PATH"), "NO_PROXY=127.0.0.1", "AWS_PAGER=", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	return strings.Join(strings.Fields(string(out)), " "), err
}

// cliAccount is an account with one of everything that is asked for below.
func cliAccount(t *testing.T) (sim *awssim.Sim, values map[string]string) {
	t.Helper()
	sim = start(t, awssim.Options{})
	sim.CreateCluster("prod", map[string]string{"env": "prod"})
	id, err := sim.AddInstance("prod", awssim.Instance{})
	must(t, err)
	external, err := sim.AddInstance("prod", awssim.Instance{Launch: awssim.LaunchExternal})
	must(t, err)
	service(t, sim.Place, web("web", awssim.ModeAWSVPC), awssim.LaunchFargate, 205)
	service(t, sim.Place, web("bridge", awssim.ModeBridge), awssim.LaunchEC2, 1)
	task, err := sim.Task(only(t, sim.Place, "bridge"))
	must(t, err)
	arns, err := sim.RunningTasks("prod", "web")
	must(t, err)
	vpc, err := sim.Task(arns[0])
	must(t, err)
	must(t, sim.CreateService("prod", awssim.Service{
		Name: "tagged", TaskDefinition: "web", Launch: awssim.LaunchFargate, Desired: 1, PublicIP: true, Tags: map[string]string{"team": "payments"},
	}))
	public, err := sim.Task(only(t, sim.Place, "tagged"))
	must(t, err)
	sim.AllowRole("arn:aws:iam::210987654321:role/reader", "")
	must(t, sim.CreateBucket("specs"))
	must(t, sim.PutObject("specs", "one.yaml", []byte("one")))
	return sim, map[string]string{
		"INSTANCE": id, "CI": task.ContainerInstance, "EXTERNAL": external, "TASK": task.ARN, "TASKIP": task.Address, "ENI": vpc.Interface, "ENIIP": vpc.Address,
		"PUBLIC": public.Interface, "VPC": sim.VPC(), "QUEUE": sim.CreateQueue("q", nil), "HOME": t.TempDir(),
	}
}

// cliCase is a command, what it prints, and for a failure what the message has.
type cliCase struct {
	name string
	args string
	want string
	fail string
}

func cliReads() []cliCase {
	return []cliCase{
		{"list clusters", "ecs list-clusters --query clusterArns", "arn:aws:ecs:us-east-1:123456789012:cluster/prod", ""},
		{"describe clusters", "ecs describe-clusters --clusters prod nope --include TAGS --query [clusters[0].[status,runningTasksCount,tags[0].value],failures[0].reason][]", "ACTIVE 207 prod MISSING", ""},
		{"list tasks", "ecs list-tasks --cluster prod --query length(taskArns)", "100 100 7", ""},
		{"list tasks of a service", "ecs list-tasks --cluster prod --service-name bridge --query taskArns", "{TASK}", ""},
		{"describe tasks", "ecs describe-tasks --cluster prod --tasks {TASK} --query tasks[0].[lastStatus,version,launchType,group,containers[0].networkBindings[1].bindIP]", "RUNNING 2 EC2 service:bridge ::", ""},
		{"list services", "ecs list-services --cluster prod --query serviceArns[0]", "arn:aws:ecs:us-east-1:123456789012:service/prod/bridge", ""},
		{"describe services", "ecs describe-services --cluster prod --services web --query services[0].[desiredCount,runningCount,launchType]", "205 205 FARGATE", ""},
		{"describe the tags of a service", "ecs describe-services --cluster prod --services tagged nope --include TAGS --query [services[0].tags[0].value,failures[0].reason][]", "payments MISSING", ""},
		{"describe task definition", "ecs describe-task-definition --task-definition web --query taskDefinition.[revision,networkMode,containerDefinitions[0].portMappings[0].name]", "1 awsvpc metrics", ""},
		{"unknown task definition", "ecs describe-task-definition --task-definition nope", "", "(ClientException)"},
		{"unknown cluster", "ecs list-tasks --cluster nope", "", "(ClusterNotFoundException)"},
		{"list container instances", "ecs list-container-instances --cluster prod --query length(containerInstanceArns)", "2", ""},
		{"describe container instances", "ecs describe-container-instances --cluster prod --container-instances {CI} --query containerInstances[0].[ec2InstanceId,status,runningTasksCount]", "{INSTANCE} ACTIVE 1", ""},
		{"list task definitions", "ecs list-task-definitions --family-prefix web --query taskDefinitionArns", "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1", ""},
		{"describe instances", "ec2 describe-instances --instance-ids {INSTANCE} --query Reservations[0].Instances[0].[PrivateIpAddress,State.Name,Placement.AvailabilityZone]", "{TASKIP} running us-east-1a", ""},
		{"describe instances by filter", "ec2 describe-instances --filters Name=instance-id,Values={INSTANCE},{EXTERNAL} --query Reservations[].Instances[].InstanceId", "{INSTANCE}", ""},
		{"describe an external instance", "ec2 describe-instances --instance-ids {EXTERNAL}", "", "(InvalidInstanceID.Malformed)"},
		{"describe network interfaces", "ec2 describe-network-interfaces --network-interface-ids {ENI} --query NetworkInterfaces[0].PrivateIpAddress", "{ENIIP}", ""},
		{"describe network interfaces by filter", "ec2 describe-network-interfaces --filters Name=network-interface-id,Values={PUBLIC},eni-0 --query NetworkInterfaces[].[VpcId,Association.PublicIp][]", "{VPC} 198.18.0.1", ""},
		{"describe instance information", "ssm describe-instance-information --query InstanceInformationList[0].[InstanceId,PingStatus]", "{EXTERNAL} Online", ""},
		{"caller identity", "sts get-caller-identity --query Account", "123456789012", ""},
		{"assume role", "sts assume-role --role-arn arn:aws:iam::210987654321:role/reader --role-session-name session --query AssumedRoleUser.Arn", "arn:aws:sts::210987654321:assumed-role/reader/session", ""},
		{"unknown role", "sts assume-role --role-arn arn:aws:iam::210987654321:role/nope --role-session-name session", "", "(AccessDenied)"},
		{"list objects", "s3api list-objects-v2 --bucket specs --query Contents[].Key", "one.yaml", ""},
		{"get an object", "s3 cp s3://specs/one.yaml -", "one", ""},
		{"get a changed object", "s3api get-object --bucket specs --key one.yaml --if-match x {HOME}/out", "", "(PreconditionFailed)"},
	}
}

// cliQueues are the commands of SQS in an order that matters.
func cliQueues() []cliCase {
	return []cliCase{
		{"create", "sqs create-queue --queue-name q --query QueueUrl", "{QUEUE}", ""},
		{"url", "sqs get-queue-url --queue-name q --query QueueUrl", "{QUEUE}", ""},
		{"no url", "sqs get-queue-url --queue-name nope", "", "NonExistentQueue"},
		{"send", "sqs send-message --queue-url {QUEUE} --message-body hello --query MD5OfMessageBody", "5d41402abc4b2a76b9719d911017c592", ""},
		{"attributes", "sqs get-queue-attributes --queue-url {QUEUE} --attribute-names All --query Attributes.ApproximateNumberOfMessages", "1", ""},
		{"receive", "sqs receive-message --queue-url {QUEUE} --attribute-names All --visibility-timeout 0 --query Messages[0].[Body,Attributes.ApproximateReceiveCount]", "hello 1", ""},
		{"receive to delete", "sqs receive-message --queue-url {QUEUE} --max-number-of-messages 10 --wait-time-seconds 1 --query Messages[0].ReceiptHandle", "<RECEIPT>", ""},
		{"change visibility", "sqs change-message-visibility --queue-url {QUEUE} --receipt-handle {RECEIPT} --visibility-timeout 30", "", ""},
		{"delete a batch", "sqs delete-message-batch --queue-url {QUEUE} --entries Id=a,ReceiptHandle={RECEIPT} Id=b,ReceiptHandle=bad --query [Successful[0].Id,Failed[0].Id]", "a b", ""},
		{"delete", "sqs delete-message --queue-url {QUEUE} --receipt-handle {RECEIPT}", "", ""},
		{"delete the queue", "sqs delete-queue --queue-url {QUEUE}", "", ""},
		{"no queue", "sqs delete-queue --queue-url {QUEUE}", "", "NonExistentQueue"},
		{"receive nothing", "sqs receive-message --queue-url {QUEUE} --query length(Messages||`[]`)", "0", ""},
	}
}

func cliWrites() []cliCase {
	return []cliCase{
		{"run a task", "ecs run-task --cluster prod --task-definition web --launch-type FARGATE --query tasks[0].[group,desiredStatus]", "family:web RUNNING", ""},
		{"stop a task", "ecs stop-task --cluster prod --task {TASK} --query task.desiredStatus", "STOPPED", ""},
		{"update a service", "ecs update-service --cluster prod --service web --desired-count 1 --query service.desiredCount", "1", ""},
		{"put an object", "s3api put-object --bucket specs --key two.yaml --body {HOME}/two.yaml --query ETag", `"b8a9f715dbb64fd5c56e7783c6820a61"`, ""},
	}
}

func TestAWSCLI(t *testing.T) {
	sim, values := cliAccount(t)
	c := newCLI(t, sim)
	must(t, os.WriteFile(filepath.Join(values["HOME"], "two.yaml"), []byte("two"), 0o600))
	t.Run("reads", func(t *testing.T) {
		for _, test := range cliReads() {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				c.check(t, test, values)
			})
		}
	})
	for _, test := range slices.Concat(cliQueues(), cliWrites()) {
		t.Run(test.name, func(t *testing.T) { c.check(t, test, values) })
	}
}

// check runs a case; a wanted <NAME> is kept as a value for later ones.
func (c cli) check(t *testing.T, test cliCase, values map[string]string) {
	t.Helper()
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	fill := strings.NewReplacer(pairs...)
	out, err := c.run(t, strings.Fields(fill.Replace(test.args))...)
	name, kept := strings.CutPrefix(strings.TrimSuffix(test.want, ">"), "<")
	switch {
	case test.fail != "":
		if err == nil || !strings.Contains(out, test.fail) {
			t.Errorf("printed %q, %v; want a failure with %s", out, err, test.fail)
		}
	case err != nil:
		t.Errorf("%v: %s", err, out)
	case kept:
		values[name] = out
	case out != fill.Replace(test.want):
		t.Errorf("printed %q, want %q", out, fill.Replace(test.want))
	}
}
