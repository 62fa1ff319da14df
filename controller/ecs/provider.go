package ecs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"ecs-scrape/reconcile/inventory"
)

const (
	dialTimeout = 3 * time.Second // an unreachable AWS is noticed in three of these
	attempts    = 3
	maxRetry    = 5 * time.Second // the longest pause between attempts
	sessionName = "ecs-scrape"
)

var errNoRegion = errors.New("no region: name one in spec.ecs, or set AWS_REGION")

// provider is AWS in one region, with one identity.
type provider struct {
	account string // "" where STS did not tell
	region  string
	ecs     *ecs.Client
	ec2     *ec2.Client
	ssm     *ssm.Client
}

// newHTTPClient bounds every attempt by timeout, so that nothing hangs.
func newHTTPClient(timeout time.Duration) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithTimeout(timeout).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = min(dialTimeout, timeout) }).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 4 * inFlight })
}

// dial loads the AWS configuration of the environment for a source, assumes
// its role and learns the account.
func (w *Watcher) dial(ctx context.Context, src inventory.Source) (*provider, error) {
	cfg, err := w.load(ctx, src.Region)
	if err != nil {
		return nil, err
	}
	identity := w.budgets.of(place{region: cfg.Region})
	tokens := sts.NewFromConfig(charged(&cfg, identity))
	if src.RoleARN != "" {
		assume(&cfg, tokens, src)
	}
	account := accountOf(src.RoleARN)
	if account == "" {
		account = callerAccount(ctx, tokens)
	}
	cfg = charged(&cfg, w.budgets.of(place{account: account, region: cfg.Region}))
	return &provider{
		account: account, region: cfg.Region,
		ecs: ecs.NewFromConfig(cfg), ec2: ec2.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg),
	}, nil
}

// assume has calls made as the role of src.
func assume(cfg *aws.Config, tokens *sts.Client, src inventory.Source) {
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(tokens, src.RoleARN,
		func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = sessionName
			if src.ExternalID != "" {
				o.ExternalID = aws.String(src.ExternalID)
			}
		}))
}

func (w *Watcher) load(ctx context.Context, region string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(w.http),
		config.WithLogger(logging.Nop{}),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, maxRetry })
		}),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region, err = w.taskRegion(ctx)
	}
	if err == nil && cfg.Region == "" {
		err = errNoRegion
	}
	return cfg, err
}

// charged is cfg with every call charged to a budget.
func charged(cfg *aws.Config, b *budget) aws.Config {
	out := cfg.Copy()
	out.APIOptions = append([]func(*middleware.Stack) error{}, out.APIOptions...)
	out.APIOptions = append(out.APIOptions, b.install)
	return out
}

// callerAccount asks STS, which needs no permission. Where it does not answer,
// as in a private network without its endpoint, the clusters' ARNs will tell.
func callerAccount(ctx context.Context, client *sts.Client) string {
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return ""
	}
	return aws.ToString(out.Account)
}

// accountOf is the account of an ARN, or "".
func accountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[4]
}

// nameOf is the last part of an ARN.
func nameOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
