package ecs

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/reconcile/inventory"
)

// inFlight is how many calls of one kind are under way at once for a cluster,
// and how many clusters of a source are listed at once: at the usual 50 ms a call
// a single cluster makes 320 calls a second, and so spends any documented burst
// within half of one. It is the budget that bounds the rest.
const inFlight = 16

// refresh describes again the tasks whose turn it is. Nobody waits for that.
func (s *source) refresh(ctx context.Context, scope inventory.Scope) error {
	if err := s.describe(withLeisure(ctx), scope, s.due(scope)); err != nil {
		return err
	}
	return s.resolve(ctx, scope)
}

// describe asks for tasks, in batches, and gives each answer to the store: one
// that fails spoils the listing, but not what the others told.
func (s *source) describe(ctx context.Context, scope inventory.Scope, arns []string) error {
	return inBatches(ctx, arns, inventory.DescribeBatch, func(ctx context.Context, batch []string) error {
		_, err := s.describeBatch(ctx, scope, batch)
		return err
	})
}

// describeBatch gives an answer to the store, and returns the tasks in it. A name
// that ECS refuses, as it is of no task of the cluster, is as good as MISSING: a
// listing must not fail for ever because of it.
func (s *source) describeBatch(ctx context.Context, scope inventory.Scope, batch []string) ([]*inventory.Task, error) {
	var tasks []*inventory.Task
	asked := s.w.now()
	refused, err := apart(scope, batch, func(names []string) error {
		some, err := s.describeTasks(ctx, scope, names)
		tasks = append(tasks, some...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("describe tasks in %s: %w", scope.Cluster, err)
	}
	if len(refused) > 0 {
		s.w.store.Describe(inventory.Description{Scope: scope, Asked: asked, Answered: s.w.now(), Missing: refused})
	}
	return tasks, nil
}

func (s *source) describeTasks(ctx context.Context, scope inventory.Scope, arns []string) ([]*inventory.Task, error) {
	facts, generation := s.w.store.Facts()
	in := &ecs.DescribeTasksInput{Cluster: aws.String(scope.Cluster), Tasks: arns}
	if facts.TaskTags {
		in.Include = []types.TaskField{types.TaskFieldTags}
	}
	answer := inventory.Description{Scope: scope, Asked: s.w.now(), Facts: generation}
	out, err := s.aws.ecs.DescribeTasks(ctx, in)
	if err != nil {
		return nil, err
	}
	answer.Answered = s.w.now()
	s.w.sortOut(&answer, arns, out, facts)
	s.w.store.Describe(answer)
	return answer.Tasks, nil
}

// sortOut adds to an answer what ECS told of a batch. Tasks are asked for by ARN,
// or by id where no more is known; ECS answers with ARNs. What nobody asked for is
// left out.
func (w *Watcher) sortOut(answer *inventory.Description, batch []string, out *ecs.DescribeTasksOutput, facts inventory.Facts) {
	silent := make(map[string]string, len(batch)) // as asked for, by id
	for _, asked := range batch {
		silent[nameOf(asked)] = asked
	}
	for _, t := range out.Tasks {
		task, ok := decodeTask(answer.Scope, t, facts)
		if !ok {
			continue
		}
		if asked := silent[task.ID()]; asked == task.ARN || asked == task.ID() {
			w.names.Task(task)
			answer.Tasks = append(answer.Tasks, task)
			if crashed(string(t.StopCode)) {
				answer.Crashed = append(answer.Crashed, task.ARN)
			}
			delete(silent, task.ID())
		}
	}
	for _, f := range out.Failures {
		id := nameOf(aws.ToString(f.Arn))
		if asked, ok := silent[id]; ok && aws.ToString(f.Reason) == "MISSING" {
			answer.Missing = append(answer.Missing, asked)
			delete(silent, id)
		}
	}
	for _, asked := range silent {
		answer.Failed = append(answer.Failed, asked)
	}
}

// resolve asks for the definitions, then the instances, that the scope's tasks
// refer to and that are not known yet.
func (s *source) resolve(ctx context.Context, scope inventory.Scope) error {
	if err := s.definitions(ctx, scope); err != nil {
		return err
	}
	return s.instances(ctx, scope)
}

func (s *source) definitions(ctx context.Context, scope inventory.Scope) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for _, arn := range s.w.store.WantedDefinitions(scope, s.w.now()) {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return s.definition(ctx, arn) })
	}
	return group.Wait()
}

// definition asks for one revision; those who want it at the same time share
// the answer, unless the one who asked has given up. An urgent call does not wait
// for one that is not: that may stand at the end of the line.
func (s *source) definition(ctx context.Context, arn string) error {
	for {
		err := s.askDefinition(ctx, arn)
		if !errors.Is(err, context.Canceled) || ctx.Err() != nil {
			return err
		}
	}
}

func (s *source) askDefinition(ctx context.Context, arn string) error {
	facts, generation := s.w.store.Facts()
	key := fmt.Sprintf("%d %t %s", generation, urgent(ctx), arn)
	_, err, _ := s.w.asking.Do(key, func() (any, error) {
		if !s.w.store.WantsDefinition(arn, s.w.now()) {
			return nil, nil // answered since it was wanted
		}
		out, err := s.aws.ecs.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String(arn)})
		switch {
		case refusedDefinition(err) || err == nil && out.TaskDefinition == nil:
			s.w.store.PutAbsentDefinition(arn, s.w.now())
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("describe task definition %s: %w", nameOf(arn), err)
		}
		s.w.store.PutDefinition(decodeDefinition(arn, out.TaskDefinition, facts), generation, s.w.now())
		return nil, nil
	})
	return err
}

// refusedDefinition says that asking again will not help: ECS says
// ClientException of a revision that it does not have.
func refusedDefinition(err error) bool {
	var client *types.ClientException
	return errors.As(err, &client)
}
