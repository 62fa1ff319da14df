package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/version"
	"github.com/spf13/pflag"

	"ecs-scrape/controller"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/controller/s3object"
	"ecs-scrape/controller/target"
)

// How often the status is written at most; to S3 where nothing else is asked for.
const (
	statusEvery   = 2 * time.Second
	statusS3Every = 10 * time.Second
)

// statusFile is below the output's .state.
const statusFile = "status.json"

// statusFlags say where the status is written to, besides the output directory.
type statusFlags struct {
	s3      string
	s3Every time.Duration
}

func (f *statusFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.s3, "status.s3", "", "s3://BUCKET/KEY that the status is written to as well, to be read from afar")
	flags.DurationVar(&f.s3Every, "status.s3.interval", statusS3Every, "how often the status is written to S3 at most; at most a minute, which is how often it is written without a change")
}

// open is the object that the status is written to; nil without one. It asks
// nothing of S3.
func (f *statusFlags) open(ctx context.Context) (*s3object.Object, error) {
	if f.s3 == "" {
		return nil, nil //nolint:nilnil // not to write it there is a choice, not an error
	}
	if f.s3Every <= 0 || f.s3Every > time.Minute {
		return nil, fmt.Errorf("--status.s3.interval is %v: give a time of at most a minute, such as %v", f.s3Every, statusS3Every)
	}
	object, err := s3object.Open(ctx, f.s3)
	if err != nil {
		return nil, fmt.Errorf("--status.s3: %w", err)
	}
	return object, nil
}

// tell adds to the controller's options what the status tells and where it goes; to
// S3 at most once in the time given.
func (p *parts) tell(ctx context.Context, o *controller.Options, dir *target.Directory, watcher *ecs.Watcher, afar time.Duration) {
	o.Version = cmp.Or(version.Version, "unknown")
	o.Instance.Host, _ = os.Hostname() // it is fine not to know it
	o.Instance.Task = taskARN(ctx, o.Log)
	o.Usage = func() []controller.Usage { return usageOf(watcher.Stats()) }
	o.Earlier = earlierStatus(dir, o.Log)
	o.Outlets = []controller.Outlet{{
		Place: "file", Name: filepath.Join(dir.Path(), ".state", statusFile), Every: statusEvery,
		Put: func(_ context.Context, doc []byte) error { return dir.WriteDocument(statusFile, doc) },
	}}
	if p.afar != nil {
		o.Outlets = append(o.Outlets, controller.Outlet{Place: "s3", Name: p.afar.String(), Every: afar, Put: p.afar.PutJSON})
	}
}

// earlierStatus is what an earlier run wrote last, nil without one.
func earlierStatus(dir *target.Directory, log *slog.Logger) *controller.Status {
	data, err := os.ReadFile(filepath.Join(dir.Path(), ".state", statusFile))
	if err != nil {
		return nil // the first start, or nothing that the output directory would not tell of
	}
	s := &controller.Status{}
	if err := json.Unmarshal(data, s); err != nil {
		log.Warn("the history of changes starts anew: what an earlier run wrote cannot be read", "err", err)
		return nil
	}
	return s
}

// taskARN is that of the ECS task that this runs in; "" elsewhere, and where it
// cannot be asked for.
func taskARN(ctx context.Context, log *slog.Logger) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	arn, err := ecs.TaskARN(ctx)
	if err != nil {
		log.Debug("the task's own ARN is not known", "err", err)
	}
	return arn
}

// usageOf sums what an account and region have been asked.
func usageOf(stats ecs.Stats) []controller.Usage {
	out := []controller.Usage{}
	at := map[[2]string]int{}
	of := func(account, region string) *controller.Usage {
		key := [2]string{account, region}
		if _, known := at[key]; !known {
			at[key] = len(out)
			out = append(out, controller.Usage{Account: account, Region: region, Budgets: []controller.Budget{}})
		}
		return &out[at[key]]
	}
	for _, o := range stats.Operations {
		u := of(o.Account, o.Region)
		u.Calls += o.Calls
		u.Throttled += o.Throttled
		u.Failed += o.Errors
	}
	for _, b := range stats.Budgets {
		u := of(b.Account, b.Region)
		u.Budgets = append(u.Budgets, controller.Budget{Category: string(b.Category), Rate: b.Rate, Full: b.Full, Waiting: b.Waiting})
	}
	return out
}
