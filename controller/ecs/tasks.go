package ecs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"

	"ecs-scrape/reconcile/inventory"
)

// concurrency is how many calls of one kind are under way at once for a
// cluster, and how many clusters of a source are listed at once. At the usual
// 50 ms a call, 4 x 4 use ten times any documented refill.
const concurrency = 4

// list makes one complete listing of a scope, or fails: every page, every
// describe it needs, and every definition and instance that these refer to. The
// optional facts come after that, as far as they can be had.
func (s *source) list(ctx context.Context, scope inventory.Scope) error {
	store := s.w.store
	listing, err := s.listTasks(ctx, scope)
	if err != nil {
		return err
	}
	if err := s.describe(ctx, scope, s.fillUp(scope, store.Needed(listing))); err != nil {
		return err
	}
	if err := s.resolve(ctx, scope); err != nil {
		return err
	}
	if err := store.Complete(listing, s.w.now()); err != nil {
		return fmt.Errorf("list tasks in %s: %w", scope.Cluster, err)
	}
	s.w.notify()
	s.optional(ctx, scope)
	return nil
}

// refresh describes again the tasks whose turn it is. Nobody waits for that.
func (s *source) refresh(ctx context.Context, scope inventory.Scope) error {
	if err := s.describe(withLeisure(ctx), scope, s.w.store.Due(scope, s.w.now())); err != nil {
		return err
	}
	return s.resolve(ctx, scope)
}

// fillUp adds tasks whose turn is near to the last, partly empty, batch: they
// cost no call there.
func (s *source) fillUp(scope inventory.Scope, needed []string) []string {
	room := -len(needed) % inventory.DescribeBatch
	if room == 0 {
		return needed
	}
	room += inventory.DescribeBatch
	out := slices.Clone(needed)
	for _, arn := range s.w.store.Due(scope, s.w.now()) {
		if room == 0 {
			break
		}
		if _, twice := slices.BinarySearch(needed, arn); !twice {
			out = append(out, arn)
			room--
		}
	}
	return out
}

func (s *source) listTasks(ctx context.Context, scope inventory.Scope) (inventory.Listing, error) {
	held := s.w.heldIn(scope)
	out := inventory.Listing{Scope: scope, Began: s.w.now(), Held: held.Tasks, HeldSince: held.Since}
	pages := ecs.NewListTasksPaginator(s.aws.ecs, &ecs.ListTasksInput{
		Cluster: aws.String(scope.Cluster), MaxResults: aws.Int32(100),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return inventory.Listing{}, fmt.Errorf("list tasks in %s: %w", scope.Cluster, err)
		}
		out.Tasks = append(out.Tasks, page.TaskArns...)
	}
	return out, nil
}

// describe asks for tasks, in batches, and gives each answer to the store: one
// that fails spoils the listing, but not what the others told.
func (s *source) describe(ctx context.Context, scope inventory.Scope, arns []string) error {
	return inBatches(ctx, arns, inventory.DescribeBatch, func(ctx context.Context, batch []string) error {
		if err := s.describeBatch(ctx, scope, batch); err != nil {
			return fmt.Errorf("describe tasks in %s: %w", scope.Cluster, err)
		}
		return nil
	})
}

func (s *source) describeBatch(ctx context.Context, scope inventory.Scope, batch []string) error {
	facts, generation := s.w.store.Facts()
	in := &ecs.DescribeTasksInput{Cluster: aws.String(scope.Cluster), Tasks: batch}
	if facts.TaskTags {
		in.Include = []types.TaskField{types.TaskFieldTags}
	}
	answer := inventory.Description{Scope: scope, Asked: s.w.now(), Facts: generation}
	out, err := s.aws.ecs.DescribeTasks(ctx, in)
	if err != nil {
		return err
	}
	answer.Answered = s.w.now()
	sortOut(&answer, batch, out, facts)
	s.w.store.Describe(answer)
	return nil
}

// sortOut adds to an answer what ECS told of a batch. Tasks are asked for by ARN,
// or by id where no more is known; ECS answers with ARNs.
func sortOut(answer *inventory.Description, batch []string, out *ecs.DescribeTasksOutput, facts inventory.Facts) {
	silent := make(map[string]string, len(batch)) // as asked for, by id
	for _, asked := range batch {
		silent[nameOf(asked)] = asked
	}
	for _, t := range out.Tasks {
		if task, ok := decodeTask(answer.Scope, t, facts); ok {
			answer.Tasks = append(answer.Tasks, task)
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
	group.SetLimit(2 * concurrency)
	for _, arn := range s.w.store.WantedDefinitions(scope, s.w.now()) {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return s.definition(ctx, arn) })
	}
	return group.Wait()
}

// definition asks for one revision; those who want it at the same time share
// the answer, unless the one who asked has given up.
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
	key := fmt.Sprintf("%d %s", generation, arn)
	_, err, _ := s.w.asking.Do(key, func() (any, error) {
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
