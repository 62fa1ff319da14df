package ecs

import "ecs-scrape/reconcile/inventory"

// yields says that a source which comes before this one, in the order wanted,
// asks for the cluster too: it is polled once, by the first. Whether two sources
// are of one account and region is known at once where they have the same
// credentials, and else after the first answer.
func (s *source) yields(cluster string) bool {
	order := s.w.order.Load()
	if order == nil {
		return false
	}
	for _, other := range *order {
		if other == s {
			return false
		}
		if other.want.Watches(cluster) && s.overlaps(other) {
			return true
		}
	}
	return false
}

// overlaps says that both sources are of one account and region.
func (s *source) overlaps(other *source) bool {
	if sameIdentity(s.want, other.want) {
		return true
	}
	account, region := s.place()
	theirs, there := other.place()
	return account != "" && region != "" && account == theirs && region == there
}

func sameIdentity(a, b inventory.Source) bool {
	return a.Region == b.Region && a.RoleARN == b.RoleARN && a.ExternalID == b.ExternalID
}
