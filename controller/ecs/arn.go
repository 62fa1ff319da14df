package ecs

import (
	"regexp"
	"strings"

	"ecs-scrape/reconcile/inventory"
)

// clusterName and resourceID are the forms of a cluster's name (Amazon ECS API
// Reference, CreateCluster), and of the id of a task or container instance: 32
// hexadecimal digits, or a UUID where the ARN has no cluster (Amazon ECS
// Developer Guide, "Amazon Resource Names (ARNs) and IDs").
var (
	clusterName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	resourceID  = regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)
)

// scopeOf reads "arn:aws:ecs:REGION:ACCOUNT:cluster/NAME".
func scopeOf(clusterARN string) (inventory.Scope, bool) {
	parts := strings.SplitN(clusterARN, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "ecs" {
		return inventory.Scope{}, false
	}
	name, ok := strings.CutPrefix(parts[5], "cluster/")
	scope := inventory.Scope{Account: parts[4], Region: parts[3], Cluster: name}
	return scope, ok && scope.Account != "" && scope.Region != "" && clusterName.MatchString(name)
}

// within says that an ARN is of a resource in a cluster whose ARN scopeOf has
// read: "...:KIND/CLUSTER/ID", or the old "...:KIND/ID". Of anything else ECS
// refuses to tell together with the cluster.
func within(arn, kind, clusterARN string) bool {
	rest, ok := besides(arn, kind, clusterARN)
	if cluster, id, long := strings.Cut(rest, "/"); long {
		ok, rest = ok && strings.HasSuffix(clusterARN, ":cluster/"+cluster), id
	}
	return ok && resourceID.MatchString(rest)
}

// besides is what follows "KIND/" in an ARN of a cluster's partition, region and
// account.
func besides(arn, kind, clusterARN string) (string, bool) {
	home := clusterARN[:strings.LastIndexByte(clusterARN, ':')+1]
	return strings.CutPrefix(arn, home+kind+"/")
}
