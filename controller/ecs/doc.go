// Package ecs keeps an inventory.Store in step with what runs on Amazon ECS,
// within a budget of AWS calls: by events that arrive in SQS queues and a
// listing now and then, or without a queue by polling.
//
// It promises that a cluster's listing is complete or does not count: whatever
// page or describe fails, the last known good of that cluster stays and is
// marked stale, with the reason, and the other clusters, regions and accounts
// go on. Every attempt of every call, retries included, first takes a token
// from a bucket that holds a configured share of the documented quota, so that
// the account's other users are never starved.
//
// Nothing is logged here: what goes wrong is in the statuses of the snapshot.
package ecs
