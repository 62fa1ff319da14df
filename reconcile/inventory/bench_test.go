package inventory

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkOneEvent is a task replaced in a store of 50,000, on Fargate and on
// 5,000 instances: its events are merged, what they lack is listed and a snapshot
// is taken.
func BenchmarkOneEvent(b *testing.B) {
	for _, mode := range []string{NetworkAWSVPC, NetworkBridge} {
		b.Run(mode, func(b *testing.B) {
			s := large(b, mode, 50_000)
			now := start.Add(time.Hour)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				next := largeTask(50_000+n, mode)
				s.Observe([]Event{{At: now, Task: stopping(largeTask(n, mode).ARN, 2)}, {At: now, Task: next}}, now)
				if w := s.Wanting(testScope, now); !w.Empty() {
					b.Fatalf("wanting %+v", w)
				}
				if got := len(s.Snapshot().Tasks); got != 50_000 {
					b.Fatalf("%d tasks", got)
				}
			}
		})
	}
}

func largeTask(i int, mode string) *Task {
	t := running(fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task/prod/%032x", i*2654435761), 1)
	t.Definition, t.Group = fmt.Sprintf("web:%d", i%500), fmt.Sprintf("service:s%d", i%500)
	if mode == NetworkBridge {
		t.Instance = fmt.Sprintf("i-%d", i%5000)
	}
	return t
}

func large(b *testing.B, mode string, size int) *Store {
	b.Helper()
	s := NewStore()
	s.Found(testScope, start)
	l := Listing{Scope: testScope, Began: start}
	var tasks []*Task
	for i := range size {
		t := largeTask(i+1, mode)
		tasks, l.Tasks = append(tasks, t), append(l.Tasks, t.ARN)
		s.PutDefinition(&Definition{ARN: t.Definition, NetworkMode: mode}, 0, start)
		if t.Instance != "" {
			s.PutInstance(&Instance{ARN: t.Instance, MachineID: t.Instance, IPv4: reusedAddress}, start)
		}
	}
	s.Describe(Description{Scope: testScope, Asked: start, Answered: start, Tasks: tasks})
	if err := s.Complete(l, start); err != nil {
		b.Fatal(err)
	}
	s.Snapshot()
	return s
}
