package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/target"
)

const (
	// lockEvery is how often a lock that another controller holds is tried: a
	// successor takes over within a second.
	lockEvery = 500 * time.Millisecond
	// firstOpen and lastOpen bound the back-off while the output directory cannot
	// be used.
	firstOpen = time.Second
	lastOpen  = 10 * time.Second
)

// owner waits until this process may write into the output directory.
type owner struct {
	path  string
	as    target.Holder
	log   *slog.Logger
	front *front

	backoff time.Duration
	said    string // the last reason to wait that was logged
}

func newOwner(path string, bound net.Addr, log *slog.Logger, f *front) *owner {
	return &owner{path: path, as: holder(bound.String()), log: log, front: f}
}

// holder is this process, as it signs a lock.
func holder(address string) target.Holder {
	host, _ := os.Hostname() // for people; "" where there is none
	return target.Holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second), Address: address}
}

// wait takes the lock and opens the directory. It gives up with the context
// alone: what is in the way may go away, and the pages tell what it is.
func (o *owner) wait(ctx context.Context) (*target.Lock, *target.Directory, error) {
	for {
		lock, dir, err := own(o.path, o.as)
		if err == nil {
			o.taken(lock)
			return lock, dir, nil
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(o.postpone(err)):
		}
	}
}

// own takes the lock and opens the directory, or neither.
func own(path string, as target.Holder) (*target.Lock, *target.Directory, error) {
	lock, err := target.Acquire(path, as)
	if err != nil {
		return nil, nil, err
	}
	dir, err := target.Open(path, target.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, lock.Release())
	}
	dir.Guard(lock)
	return lock, dir, nil
}

// postpone tells why, once, and says how long to wait.
func (o *owner) postpone(err error) time.Duration {
	var held *target.LockedError
	locked := errors.As(err, &held)
	if text := err.Error(); text != o.said {
		o.said = text
		if locked {
			o.log.Warn("waiting for another controller to end", "err", err)
		} else {
			o.log.Error("the output directory cannot be used; tried again until it can", "err", err)
		}
	}
	if locked {
		o.backoff = 0
		o.front.say(controller.StateStarting, "waiting for another controller to end: "+err.Error())
		return lockEvery
	}
	o.front.say(controller.StateDegraded, "the output directory cannot be used, and is tried again until it can: "+err.Error())
	o.backoff = min(max(2*o.backoff, firstOpen), lastOpen)
	return o.backoff
}

func (o *owner) taken(l *target.Lock) {
	if l.Unenforced != nil {
		o.log.Warn("this filesystem has no locks: see to it that no other controller writes there", "err", l.Unenforced)
	}
	if o.said != "" {
		o.log.Info("the output directory is ours", "path", o.path)
	}
}
