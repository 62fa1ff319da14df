package ecs

import (
	"testing"

	"ecs-scrape/controller/awssim"
	"ecs-scrape/reconcile/inventory"
)

func TestQueueURL(t *testing.T) {
	for _, c := range []struct{ url, region, account, endpoint string }{
		{"https://sqs.eu-west-1.amazonaws.com/123456789012/q", "eu-west-1", "123456789012", "https://sqs.eu-west-1.amazonaws.com"},
		{"https://sqs-fips.us-gov-west-1.amazonaws.com/1/q", "us-gov-west-1", "1", "https://sqs-fips.us-gov-west-1.amazonaws.com"},
		{"https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1", "1", "https://sqs.cn-north-1.amazonaws.com.cn"},
		{"https://sqs.us-east-2.api.aws/1/q", "us-east-2", "1", "https://sqs.us-east-2.api.aws"},
		{"https://vpce-0a-b.sqs.eu-west-1.vpce.amazonaws.com/1/q", "eu-west-1", "1", "https://vpce-0a-b.sqs.eu-west-1.vpce.amazonaws.com"},
		{"https://us-west-2.queue.amazonaws.com/1/q", "us-west-2", "1", ""},
		{"https://queue.amazonaws.com/1/q", "us-east-1", "1", ""},
		{"http://127.0.0.1:4566/000000000000/q", "", "000000000000", "http://127.0.0.1:4566"},
		{"http://sqs.localhost/1/q", "", "1", "http://sqs.localhost"},
		{"https://sqs.eu-west-1.amazonaws.com", "eu-west-1", "", "https://sqs.eu-west-1.amazonaws.com"},
		{"::", "", "", ""},
	} {
		region, account, endpoint := queueRegion(c.url), queueAccount(c.url), queueEndpoint(c.url)
		if region != c.region || account != c.account || endpoint != c.endpoint {
			t.Errorf("%s: region %q, account %q, endpoint %q; want %q, %q, %q", c.url, region, account, endpoint, c.region, c.account, c.endpoint)
		}
	}
}

func TestQueueInTheAccountOfARole(t *testing.T) {
	w := newFedWorld(t)
	const role = "arn:aws:iam::210987654321:role/reader"
	w.AllowRole(role, "id")
	theirs := w.Region("210987654321", "us-east-1")
	url := theirs.SubscribeQueue("events")
	fargate(t, theirs, "theirs", 1)
	w.Want(inventory.Want{Sources: []inventory.Source{
		{Clusters: []string{"none"}, EventsQueue: url}, {RoleARN: role, ExternalID: "id", EventsQueue: url},
	}})
	w.run()
	w.relies()
	w.must(theirs.Scale("theirs", "web", 2))
	w.shows(2)
	for _, c := range w.Calls() {
		if c.Service == "sqs" && c.Scope != (awssim.Scope{Account: "210987654321", Region: "us-east-1"}) {
			t.Errorf("%s called in %v, want the account of the queue", c.Operation, c.Scope)
		}
	}
}
