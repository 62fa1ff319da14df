// Package awssim is an in-process AWS account for tests and demonstrations.
//
// One HTTP listener on the loopback interface speaks ECS, EC2, SQS, SSM and STS
// in their own wire formats, and S3 through gofakes3, to any AWS client whose
// endpoint points at it. A second listener is a forward proxy which answers a
// Prometheus page for every endpoint that a running container listens on, so
// that a real Prometheus scrapes tasks that have ordinary private addresses.
//
// The promise is that of a hard witness rather than a friendly one: requests
// are charged to the documented token buckets, listings are paged, batches are
// limited, events are delivered at least once, and every way in which AWS
// misleads a client is a method here (Throttle, FailPage, OmitFromNextListing,
// DropNext and so on). What a test expects comes from Listeners and Scrapes,
// the simulator's own view of what runs.
//
// All methods are safe for concurrent use. Close waits for every goroutine.
package awssim
