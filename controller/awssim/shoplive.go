package awssim

import (
	"context"
	"fmt"
	"time"
)

// Live changes the shop now and then, as Step does, until ctx ends: on average
// once every so long. It tells note, which may be nil, what it does, and
// returns the first error of a change.
func (s *ShopState) Live(ctx context.Context, every time.Duration, note func(change string)) error {
	for {
		s.mu.Lock()
		wait := every/2 + time.Duration(s.random.Int64N(int64(max(every, 1))))
		s.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		change, err := s.Step()
		if err != nil {
			return err
		}
		if note != nil {
			note(change)
		}
	}
}

// Step makes one random change, reproducible by the simulator's seed, and says
// what it was: a rolling deploy, a scaling, a task that crashes, a machine that
// is drained and then replaced.
func (s *ShopState) Step() (change string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := s.random.IntN(10); {
	case s.drained != "":
		return s.replace()
	case n < 4:
		return s.deploy()
	case n < 8:
		return s.scale()
	case n < 9:
		return s.crash()
	default:
		return s.drain()
	}
}

func (s *ShopState) pick() shopService { return s.services[s.random.IntN(len(s.services))] }

func (s *ShopState) deploy() (string, error) {
	sv := s.pick()
	version := s.versions[sv.key()] + 1
	if err := s.place.Deploy(sv.cluster, sv.service.Name, sv.at(version)); err != nil {
		return "", fmt.Errorf("deploy %s: %w", sv.key(), err)
	}
	s.versions[sv.key()] = version
	return fmt.Sprintf("deploy %s version 1.%d.0", sv.key(), version), nil
}

// scale moves a service by a task or two around the size it was built with.
func (s *ShopState) scale() (string, error) {
	sv := s.pick()
	for sv.fixed {
		sv = s.pick()
	}
	desired := max(1, sv.service.Desired-1+s.random.IntN(4))
	if err := s.place.Scale(sv.cluster, sv.service.Name, desired); err != nil {
		return "", fmt.Errorf("scale %s: %w", sv.key(), err)
	}
	return fmt.Sprintf("scale %s to %d", sv.key(), desired), nil
}

func (s *ShopState) crash() (string, error) {
	sv := s.pick()
	arns, err := s.place.RunningTasks(sv.cluster, sv.service.Name)
	if err != nil || len(arns) == 0 {
		return "nothing", err
	}
	arn := arns[s.random.IntN(len(arns))]
	if err := s.place.CrashTask(arn, 1); err != nil {
		return "", fmt.Errorf("stop a task of %s: %w", sv.key(), err)
	}
	return fmt.Sprintf("task %s of %s crashes", lastPart(arn), sv.key()), nil
}

func (s *ShopState) drain() (string, error) {
	ids := s.place.Instances(ShopProduction, LaunchEC2)
	if len(ids) == 0 {
		return "nothing", nil
	}
	id := ids[s.random.IntN(len(ids))]
	if err := s.place.Drain(id); err != nil {
		return "", fmt.Errorf("drain %s: %w", id, err)
	}
	s.drained = id
	return "drain " + id + " of " + ShopProduction, nil
}

func (s *ShopState) replace() (string, error) {
	id := s.drained
	s.drained = ""
	added, err := s.place.AddInstance(ShopProduction, shopMachine(ShopProduction, LaunchEC2, s.random.IntN(100)+4))
	if err != nil {
		return "", fmt.Errorf("add a machine: %w", err)
	}
	if err := s.place.TerminateInstance(id); err != nil {
		return "", fmt.Errorf("terminate %s: %w", id, err)
	}
	return fmt.Sprintf("replace %s by %s", id, added), nil
}
