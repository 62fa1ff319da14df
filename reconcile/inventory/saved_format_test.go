package inventory

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// fill sets every field below v to something, so that one that is forgotten is
// seen.
func fill(v reflect.Value, seed *int64) {
	*seed++
	switch at := v.Addr().Interface().(type) {
	case *netip.Addr:
		*at = netip.AddrFrom4([4]byte{10, 0, byte(*seed >> 8), byte(*seed)})
		return
	case *time.Time:
		*at = start.Add(time.Duration(*seed))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("s", *seed))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(-*seed)
	case reflect.Uint16:
		v.SetUint(uint64(*seed))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), seed)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), seed)
		fill(v.Index(1), seed)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 3 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, seed)
			fill(value, seed)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), seed)
		}
	default:
		panic(v.Type().String())
	}
}

var sameValues = cmp.Options{cmpopts.EquateComparable(netip.Addr{})}

func TestSavedSnapshotIsRead(t *testing.T) {
	var seed int64
	s := &Snapshot{}
	for _, part := range []any{&s.Tasks, &s.Instances, &s.Services, &s.Clusters, &s.Scopes} {
		fill(reflect.ValueOf(part).Elem(), &seed)
	}
	for i := range s.Scopes {
		s.Scopes[i].State = []State{Stale, Synced}[i]
	}
	at := start.Add(time.Hour)
	data := EncodeSnapshot(s, at)
	got, when, err := DecodeSnapshot(data)
	if err != nil || !when.Equal(at) {
		t.Fatalf("at %v: %v", when, err)
	}
	for i := range s.Scopes { // of a status only what outlives the process is kept
		before := s.Scopes[i]
		s.Scopes[i] = ScopeStatus{Scope: before.Scope, State: Stale, SyncedAt: before.SyncedAt, Since: before.Since, Restored: before.Restored, Facts: before.Facts}
	}
	if diff := cmp.Diff(s, got, sameValues); diff != "" {
		t.Error(diff)
	}
	if again := EncodeSnapshot(got, when); !bytes.Equal(again, data) {
		t.Error("equal snapshots give other bytes")
	}
}

func TestSavedSnapshotLeavesOutWhatIsNotKnown(t *testing.T) {
	s := &Snapshot{Scopes: []ScopeStatus{{Scope: testScope, State: Unsynced}, {Scope: testScope, State: Gone}, {Scope: testScope, State: Synced}}}
	got, _, err := DecodeSnapshot(EncodeSnapshot(s, start))
	if err != nil || len(got.Scopes) != 1 || len(s.Scopes) != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSavedDefinitionsAreRead(t *testing.T) {
	var seed int64
	var all []SavedDefinition
	fill(reflect.ValueOf(&all).Elem(), &seed)
	got, err := DecodeDefinitions(EncodeDefinitions(all))
	if diff := cmp.Diff(all, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestSavedUnderAnotherFormat(t *testing.T) {
	good := EncodeSnapshot(account(3), start)
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"another version": {bytes.Replace(good, []byte("inventory 2"), []byte("inventory 99"), 1), `its format is "inventory 99", and this version reads "inventory 2"`},
		"another kind":    {EncodeDefinitions(nil), `"definitions 1"`},
		"nothing":         {nil, `its format is ""`},
		"cut":             {good[:len(good)-1], "ends too early"},
		"too long":        {append(bytes.Clone(good), 0), "1 bytes are left over"},
	} {
		if _, _, err := DecodeSnapshot(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecodeSaved: whatever is on disk is an error or a value that is written back
// to bytes which give it again, and that a store can start from.
func FuzzDecodeSaved(f *testing.F) {
	var seed int64
	var all []SavedDefinition
	fill(reflect.ValueOf(&all).Elem(), &seed)
	f.Add(EncodeDefinitions(all))
	f.Add(EncodeSnapshot(account(3), start))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, at, err := DecodeSnapshot(data); err == nil {
			back, when, err := DecodeSnapshot(EncodeSnapshot(s, at))
			if diff := cmp.Diff(s, back, sameValues); err != nil || !when.Equal(at) || diff != "" {
				t.Error(err, diff)
			}
			store := NewStore()
			store.SetFacts(Facts{Services: true, ClusterTags: true, Instances: true, Interfaces: true, TaskTags: true})
			store.Restore(Saved{Snapshot: s, At: at}, []Held{{Scope: testScope, Tasks: []string{fmt.Sprintf("%032x", 1)}}}, start)
			store.Snapshot()
		}
		if all, err := DecodeDefinitions(data); err == nil {
			back, err := DecodeDefinitions(EncodeDefinitions(all))
			if diff := cmp.Diff(all, back); err != nil || diff != "" {
				t.Error(err, diff)
			}
		}
	})
}

// account is a synced cluster of that many Fargate tasks with two containers each.
func account(tasks int) *Snapshot {
	s := &Snapshot{Scopes: []ScopeStatus{{Scope: testScope, State: Synced, SyncedAt: start}}}
	for i := range tasks {
		address := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		task := &Task{
			ARN: fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task/prod/%032x", i), Scope: testScope, Version: 3,
			LastStatus: StatusRunning, DesiredStatus: StatusRunning, HealthStatus: "UNKNOWN",
			Group: fmt.Sprintf("service:web-%d", i%200), StartedBy: fmt.Sprintf("ecs-svc/%d", i%200), StartedAt: start.Add(time.Duration(i) * time.Second),
			LaunchType: LaunchFargate, PlatformFamily: "Linux", PlatformVersion: "1.4.0", AvailabilityZone: "us-east-1a",
			Definition: fmt.Sprintf("arn:aws:ecs:us-east-1:123456789012:task-definition/web-%d:7", i%200),
			Interface:  &Interface{ID: fmt.Sprintf("eni-%017x", i), SubnetID: "subnet-0a1b2c3d", IPv4: address},
		}
		for j, name := range []string{"app", "log-router"} {
			task.Containers = append(task.Containers, Container{
				Name: name, ID: fmt.Sprintf("%032x", 2*i+j), RuntimeID: fmt.Sprintf("%032x-%010d", i, j), Image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/" + name + ":1",
				LastStatus: StatusRunning, Addresses: []netip.Addr{address},
			})
		}
		s.Tasks = append(s.Tasks, task)
	}
	return s
}

func BenchmarkSaved(b *testing.B) {
	for _, tasks := range []int{10000, 50000} {
		s := account(tasks)
		data := EncodeSnapshot(s, start)
		b.Run(fmt.Sprintf("tasks=%d/encode", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				EncodeSnapshot(s, start)
			}
			b.ReportMetric(float64(len(data)), "bytes")
		})
		b.Run(fmt.Sprintf("tasks=%d/decode", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := DecodeSnapshot(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
