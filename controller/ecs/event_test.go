package ecs

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

// someID is the id of a task, or container instance, that there is not.
const someID = "0123456789abcdef0123456789abcdef"

// fullEvent is a message as it comes, but for what AWS adds to it.
const fullEvent = `{"version":"0","id":"1","detail-type":"ECS Task State Change","source":"aws.ecs","account":"123456789012",
"time":"2026-01-02T03:04:05Z","region":"us-east-1","resources":[],"detail":{
"attachments":[{"id":"a","type":"eni","status":"ATTACHED","details":[{"name":"networkInterfaceId","value":"eni-1"},{"name":"privateIPv4Address","value":"10.0.0.7"}]}],
"availabilityZone":"us-east-1a","clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/prod","containers":[
{"containerArn":"arn:aws:ecs:us-east-1:123456789012:container/prod/0123456789abcdef0123456789abcdef/c","name":"app","lastStatus":"RUNNING","networkBindings":[
{"bindIP":"0.0.0.0","containerPort":80,"hostPort":32768,"protocol":"tcp"}],"networkInterfaces":[{"privateIpv4Address":"10.0.0.7"}]}],
"desiredStatus":"RUNNING","group":"service:web","lastStatus":"RUNNING","launchType":"FARGATE","overrides":{"containerOverrides":[
{"name":"app","environment":[{"name":"MODE","value":"x"},{"name":"PASSWORD","value":"hunter2"}]}]},
"startedAt":"2026-01-02T03:04:00.123Z","updatedAt":"2026-01-02T03:04:04.5Z","taskArn":"arn:aws:ecs:us-east-1:123456789012:task/prod/0123456789abcdef0123456789abcdef",
"taskDefinitionArn":"arn:aws:ecs:us-east-1:123456789012:task-definition/web:3","version":4,"brandNew":{"x":[1]}}}`

var byValue = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func decodeEvent(t *testing.T, body string) (notice, *inventory.Task) {
	t.Helper()
	n, err := parseMessage(body)
	if err != nil {
		t.Fatal(err)
	}
	task, ok := decodeTask(n.scope, n.task.api(), inventory.Facts{Environment: []string{"MODE"}})
	if !ok {
		t.Fatal("a task without a name")
	}
	return n, task
}

func TestParseEvent(t *testing.T) {
	n, task := decodeEvent(t, fullEvent)
	if want := time.Date(2026, 1, 2, 3, 4, 4, 5e8, time.UTC); !n.at.Equal(want) || n.odd {
		t.Errorf("at %v, odd %v; want %v, as documented", n.at, n.odd, want)
	}
	if task.Version != 4 || task.Group != "service:web" || !task.Running() || task.Interface.IPv4.String() != "10.0.0.7" ||
		task.Containers[0].Bindings[0].Host.First != 32768 || task.StartedAt.Nanosecond() != 123e6 {
		t.Errorf("task %+v", task)
	}
	if diff := cmp.Diff(map[string]map[string]string{"app": {"MODE": "x"}}, task.Environment); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestParseEventFromSNS(t *testing.T) {
	wrapped := fmt.Sprintf(`{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:1:t","Message":%q}`, fullEvent)
	_, direct := decodeEvent(t, fullEvent)
	_, task := decodeEvent(t, wrapped)
	if diff := cmp.Diff(direct, task, byValue); diff != "" {
		t.Errorf("wrapped by SNS it tells something else (-direct +wrapped):\n%s", diff)
	}
}

func TestOddEvents(t *testing.T) {
	for _, change := range [][2]string{
		{`"containers":[`, `"containers":"none","was":[`},
		{`"containerPort":80`, `"containerPort":"eighty"`},
		{`"desiredStatus":"RUNNING"`, `"desiredStatus":7`},
		{`"taskDefinitionArn"`, `"was"`},
		{`:task-definition/web`, `:123:task-definition/web`},
		{`"version":4,`, ``},
		{`"version":4`, `"version":"four"`},
		{`"startedAt"`, `"containerInstanceArn":"arn:aws:ecs:us-east-1:123456789012:container-instance/other/` + someID + `","startedAt"`},
	} {
		body := strings.Replace(fullEvent, change[0], change[1], 1)
		if n, err := parseMessage(body); err != nil || !n.odd {
			t.Errorf("with %s: odd %v, error %v; want it described", change[1], n.odd, err)
		}
	}
	for _, change := range [][2]string{
		{`"lastStatus":"RUNNING","launchType"`, `"launchType"`},
		{`cluster/prod`, `cluster/`},
		{`cluster/prod`, `cluster/pr.od`},
		{`cluster/prod`, `cluster/` + strings.Repeat("x", 256)},
		{`:task/prod/`, `:task-set/prod/`},
		{`:task/prod/`, `:task/other/`},
		{`:task/prod/`, `:task/prod/x/`},
		{`:task/prod/` + someID, `:task/prod/0123`},
		{`:task/prod/` + someID, `:task/prod`},
		{`"arn:aws:ecs:us-east-1:123456789012:task/`, `"arn:aws:ecs:us-west-2:123456789012:task/`},
	} {
		body := strings.Replace(fullEvent, change[0], change[1], 1)
		if _, err := parseMessage(body); !errors.Is(err, errPoison) {
			t.Errorf("with %s: %v, want poison", change[1], err)
		}
	}
	for _, arn := range []string{`:task/prod/` + someID, `:task/` + someID, `:task/01234567-89ab-cdef-0123-456789abcdef`} {
		body := strings.Replace(fullEvent, `:task/prod/`+someID, arn, 1)
		if n, err := parseMessage(body); err != nil || n.odd {
			t.Errorf("with %s: odd %v, error %v", arn, n.odd, err)
		}
	}
	if _, err := parseMessage(fullEvent + strings.Repeat(" ", maxMessage)); !errors.Is(err, errPoison) {
		t.Errorf("larger than SQS allows: %v", err)
	}
}

// An event and a describe of one version must be equal, or each would undo the
// other.
func TestEventEqualsDescribe(t *testing.T) {
	w := newFedWorld(t)
	w.CreateCluster("prod", nil)
	_, err := w.AddInstance("prod", awssim.Instance{})
	w.must(err)
	w.start()
	run(t, w.Place, awssim.LaunchEC2, awssim.ModeBridge)
	run(t, w.Place, awssim.LaunchEC2, awssim.ModeHost)
	fargate(t, w.Place, "prod", 1)
	told := w.shows(3).Tasks
	other, err := New(Options{})
	w.must(err)
	other.Want(inventory.Want{Sources: []inventory.Source{{}}})
	w.must(other.Once(t.Context()))
	if diff := cmp.Diff(other.Snapshot().Tasks, told, byValue); diff != "" {
		t.Errorf("events tell something else than describes (-describe +event):\n%s", diff)
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(fullEvent)
	f.Add(taskEvent("1", "r", "c"))
	f.Add(`{"Type":"Notification","Message":"{}"}`)
	f.Add(`{"source":"aws.ecs","detail-type":"ECS Container Instance State Change","detail":{"containerInstanceArn":"arn:aws:ecs:r:1:container-instance/c/0123456789abcdef0123456789abcdef","clusterArn":"arn:aws:ecs:r:1:cluster/c"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		n, err := parseMessage(body)
		if err != nil {
			return
		}
		if n.scope.Account == "" || n.scope.Region == "" || n.scope.Cluster == "" || (n.task == nil) == (n.instance == nil) {
			t.Fatalf("notice %+v", n)
		}
		if n.task == nil {
			return
		}
		task, ok := decodeTask(n.scope, n.task.api(), inventory.Facts{})
		if !ok || task.Version <= 0 && !n.odd || task.LastStatus == "" || len(task.Environment) > 0 {
			t.Fatalf("task %+v", task)
		}
	})
}
