package plan

import (
	"path"
	"slices"
	"strings"

	"ecs-scrape/reconcile/inventory"
	"ecs-scrape/spec"
)

// MayReach says that a selector's accounts, regions and clusters leave room for
// tasks of that cluster. What is "" of it is not known, and may be anything.
func MayReach(s *spec.Selector, at inventory.Scope) bool {
	return (at.Account == "" || oneOf(s.Accounts, at.Account)) &&
		(at.Region == "" || oneOf(s.Regions, at.Region)) &&
		(at.Cluster == "" || newGlobs(s.Clusters).match(at.Cluster))
}

// MayReachAny says the same of the clusters that a source names, which it has
// not listed: two globs may name the same cluster.
func MayReachAny(s *spec.Selector, at inventory.Scope, clusters []string) bool {
	if !MayReach(s, inventory.Scope{Account: at.Account, Region: at.Region}) {
		return false
	}
	if len(clusters) == 0 || len(s.Clusters) == 0 {
		return true
	}
	return slices.ContainsFunc(clusters, func(a string) bool {
		return slices.ContainsFunc(s.Clusters, func(b string) bool { return mayMeet(a, b) })
	})
}

// mayMeet says that a name may match both; of two globs that is taken for granted.
func mayMeet(a, b string) bool {
	const special = `*?[\`
	if strings.ContainsAny(a, special) && strings.ContainsAny(b, special) {
		return true
	}
	one, _ := path.Match(a, b)
	other, _ := path.Match(b, a)
	return one || other
}
