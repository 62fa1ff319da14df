package awssim_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"ecs-scrape/controller/awssim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a simulator for the length of a test.
func start(t testing.TB, opts awssim.Options) *awssim.Sim {
	t.Helper()
	sim, err := awssim.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	return sim
}

// must fails the test on an error of a verb.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// oneAttempt lets every answer be seen as it is. Only where Go's transport has
// closed the connection under an answer, which it does now and then on a busy
// machine, is the call made again, as the SDK's own retryer does.
func oneAttempt() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = 3, 10*time.Millisecond
		o.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			return aws.BoolTernary(strings.Contains(err.Error(), "use of closed network connection"))
		})}
	})
}

func ecsClient(p *awssim.Place) *ecs.Client {
	return ecs.NewFromConfig(p.AWSConfig(), func(o *ecs.Options) { o.Retryer = oneAttempt() })
}

func ec2Client(p *awssim.Place) *ec2.Client {
	return ec2.NewFromConfig(p.AWSConfig(), func(o *ec2.Options) { o.Retryer = oneAttempt() })
}

func sqsClient(p *awssim.Place) *sqs.Client {
	return sqs.NewFromConfig(p.AWSConfig(), func(o *sqs.Options) { o.Retryer = oneAttempt() })
}

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// eventually waits for a condition that delays of the simulator bring about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

// web is the simplest task definition with a metrics port.
func web(family, mode string) awssim.TaskDefinition {
	return awssim.TaskDefinition{
		Family: family, NetworkMode: mode,
		Containers: []awssim.Container{{
			Name: "app", Ports: []awssim.Port{{Name: "metrics", Container: 8080}}, Metrics: []awssim.Metrics{{Port: 8080}},
		}},
	}
}

// service runs a definition as a service in the cluster "prod", which it
// creates if need be.
func service(t testing.TB, p *awssim.Place, d awssim.TaskDefinition, launch string, desired int) {
	t.Helper()
	p.CreateCluster("prod", nil)
	_, err := p.RegisterTaskDefinition(d)
	must(t, err)
	must(t, p.CreateService("prod", awssim.Service{Name: d.Family, TaskDefinition: d.Family, Desired: desired, Launch: launch}))
}

// only answers a service's only running task.
func only(t testing.TB, p *awssim.Place, name string) string {
	t.Helper()
	arns, err := p.RunningTasks("prod", name)
	must(t, err)
	if len(arns) != 1 {
		t.Fatalf("service %s runs %d tasks, want 1", name, len(arns))
	}
	return arns[0]
}

// describe describes one task.
func describe(t testing.TB, p *awssim.Place, arn string) ecstypes.Task {
	t.Helper()
	out, err := ecsClient(p).DescribeTasks(context.Background(), &ecs.DescribeTasksInput{
		Cluster: aws.String("prod"), Tasks: []string{arn}, Include: []ecstypes.TaskField{ecstypes.TaskFieldTags},
	})
	must(t, err)
	if len(out.Tasks) != 1 {
		t.Fatalf("describe %s: %d tasks, failures %v", arn, len(out.Tasks), out.Failures)
	}
	return out.Tasks[0]
}

// list lists the running tasks of "prod" on one page.
func list(t testing.TB, p *awssim.Place) []string {
	t.Helper()
	out, err := ecsClient(p).ListTasks(context.Background(), &ecs.ListTasksInput{Cluster: aws.String("prod")})
	must(t, err)
	return out.TaskArns
}

// throughProxy is a client that asks the simulator's proxy.
func throughProxy(t testing.TB, sim *awssim.Sim) *http.Client {
	t.Helper()
	u, err := url.Parse(sim.ProxyURL())
	must(t, err)
	transport := &http.Transport{Proxy: http.ProxyURL(u)}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
