package ecs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// place is what AWS grants quotas to.
type place struct {
	account string // "" for calls made before it is known
	region  string
}

// budgets holds one budget per account and region, however many sources share
// it.
type budgets struct {
	share  float64
	quotas map[Category]Quota

	mu sync.Mutex
	by map[place]*budget
}

func newBudgets(share float64, override map[Category]Quota) *budgets {
	quotas := DocumentedQuotas()
	for c, q := range override {
		quotas[c] = q
	}
	return &budgets{share: share, quotas: quotas, by: map[place]*budget{}}
}

func (b *budgets) of(p place) *budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	got, ok := b.by[p]
	if !ok {
		got = &budget{place: p, limiters: map[Category]*limiter{}, counts: map[string]*count{}}
		for c, q := range b.quotas {
			got.limiters[c] = newLimiter(q, b.share)
		}
		b.by[p] = got
	}
	return got
}

// budget charges calls to the limiters of an account and region, and counts
// them. It is a middleware of the SDK, placed after the retries, so that each
// attempt counts.
type budget struct {
	place    place
	limiters map[Category]*limiter // never changes

	mu     sync.Mutex
	counts map[string]*count // by operation
}

type count struct{ calls, throttled, errors, denied uint64 }

// ID is the middleware's name.
func (b *budget) ID() string { return "ecs-scrape budget" }

// install adds the budget to the stack of an operation.
func (b *budget) install(stack *middleware.Stack) error {
	return stack.Finalize.Insert(b, (*retry.Attempt)(nil).ID(), middleware.After)
}

// HandleFinalize waits for a token, makes the attempt and learns from it.
func (b *budget) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	operation := awsmiddleware.GetOperationName(ctx)
	l := b.limiters[categoryOf(operation)]
	if l != nil {
		if err := l.wait(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("wait for the budget: %w", err)
		}
	}
	started := time.Now()
	out, metadata, err := next.HandleFinalize(ctx, in)
	throttle := isThrottle(err)
	if throttle && l != nil {
		l.throttled(started, time.Now())
	}
	b.add(operation, err)
	return out, metadata, err
}

func (b *budget) add(operation string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.counts[operation]
	if !ok {
		c = &count{}
		b.counts[operation] = c
	}
	c.calls++
	switch {
	case isThrottle(err):
		c.throttled++
	case isDenial(err):
		c.denied++
		c.errors++
	case err != nil:
		c.errors++
	}
}

// isDenial says that AWS refused a call for want of a permission, or of valid
// credentials ("Common errors" of the Amazon ECS and Amazon EC2 API references).
func isDenial(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthFailure", "OptInRequired", "NotAuthorized",
		"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "MissingAuthenticationToken",
		"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature":
		return true
	}
	return false
}

// isThrottle says that AWS refused a call for its rate.
func isThrottle(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	_, ok := retry.DefaultThrottleErrorCodes[api.ErrorCode()]
	return ok
}
