package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ecs-scrape/controller"
	"ecs-scrape/controller/ecs"
	"ecs-scrape/controller/source"
	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
	"ecs-scrape/reconcile/inventory"
)

var fleetScope = inventory.Scope{Account: "111111111111", Region: "us-east-1", Cluster: "prod"}

// knownFleet is a synced cluster of that many tasks of two containers, in services of
// fifty, as a store knows it.
func knownFleet(b *testing.B, tasks int) *inventory.Store {
	b.Helper()
	now := time.Now()
	s := inventory.NewStore()
	s.Found(fleetScope, now)
	port := func(name string, number uint16) []inventory.PortMapping {
		return []inventory.PortMapping{{Name: name, Container: inventory.PortRange{First: number, Last: number}, Protocol: "tcp"}}
	}
	d := inventory.Description{Scope: fleetScope, Asked: now, Answered: now}
	l := inventory.Listing{Scope: fleetScope, Began: now}
	for i := range tasks {
		service := fmt.Sprintf("service-%04d", i/50)
		definition := "arn:aws:ecs:us-east-1:111111111111:task-definition/" + service + ":1"
		if i%50 == 0 {
			s.PutDefinition(&inventory.Definition{ARN: definition, NetworkMode: inventory.NetworkAWSVPC, Containers: []inventory.ContainerDefinition{
				{Name: "app", Essential: true, Ports: port("metrics", 9090)}, {Name: "proxy", Ports: port("admin", 9901)},
			}}, 0, now)
		}
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		t := &inventory.Task{
			ARN: fmt.Sprintf("arn:aws:ecs:us-east-1:111111111111:task/prod/%032x", i), Scope: fleetScope, Version: 3,
			LastStatus: inventory.StatusRunning, DesiredStatus: inventory.StatusRunning, LaunchType: inventory.LaunchFargate,
			Group: "service:" + service, Definition: definition, StartedBy: "ecs-svc/" + service, AvailabilityZone: "us-east-1a", StartedAt: now,
			Interface: &inventory.Interface{ID: fmt.Sprintf("eni-%017x", i), SubnetID: "subnet-0123456789abcdef0", IPv4: addr},
		}
		for k, name := range []string{"app", "proxy"} {
			t.Containers = append(t.Containers, inventory.Container{
				Name: name, ID: fmt.Sprintf("%032x", 2*i+k), RuntimeID: fmt.Sprintf("%032x-%010d", i, k),
				Image: "111111111111.dkr.ecr.us-east-1.amazonaws.com/" + name + ":1", LastStatus: inventory.StatusRunning, Addresses: []netip.Addr{addr},
			})
		}
		d.Tasks, l.Tasks = append(d.Tasks, t), append(l.Tasks, t.ARN)
	}
	s.Describe(d)
	if err := s.Complete(l, now); err != nil {
		b.Fatal(err)
	}
	s.SetSources([]inventory.SourceStatus{{Account: fleetScope.Account, Region: fleetScope.Region, Listed: true}})
	return s
}

func writeFleetSpecs(b *testing.B, dir string, tasks, objects int) {
	b.Helper()
	docs := []string{"apiVersion: ecs-scrape/v1\nkind: PrometheusConfig\nmetadata: {name: main}\nspec: {}\n"}
	per := tasks / 50 / objects
	for i := range objects {
		var names []string
		for k := range per {
			names = append(names, fmt.Sprintf("service-%04d", i*per+k))
		}
		docs = append(docs, fmt.Sprintf("apiVersion: ecs-scrape/v1\nkind: ScrapeTarget\nmetadata: {name: target-%03d}\nspec:\n"+
			"  selector: {services: [%s]}\n  endpoints: [{port: metrics}, {port: admin, path: /stats}]\n", i, strings.Join(names, ", ")))
	}
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(strings.Join(docs, "---\n")), 0o600); err != nil {
		b.Fatal(err)
	}
}

// asIs is an inventory that asks nobody.
type asIs struct{ *inventory.Store }

func (asIs) Want(inventory.Want) {}

// onePass opens the directory as `run` does and makes one pass over an inventory.
func onePass(b *testing.B, specs, output string, open func(*target.Directory) (reconcile.Inventory, error)) *reconcile.Pass {
	b.Helper()
	fail := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	dir, err := target.Open(output, target.Options{})
	fail(err)
	objects, err := accepted(dir)
	fail(err)
	inv, err := open(dir)
	fail(err)
	src, err := source.Open(b.Context(), specs)
	fail(err)
	r := reconcile.New(src, inv, controller.Directory{Directory: dir}, objects, reconcile.Options{Sources: []inventory.Source{{Region: fleetScope.Region}}})
	pass, err := r.Evaluate(b.Context())
	fail(err)
	_, err = r.Publish(pass, time.Now(), reconcile.Confirmed)
	fail(err)
	data, err := r.Accepted().Encode()
	fail(err)
	fail(dir.WriteState(controller.AcceptedFile, data))
	return pass
}

// spent is the CPU time of this process.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRestart is from the start of a process to the end of its first pass,
// with AWS away: all that was published is served, on the state of the last one.
// Its parts are what reading that state takes, and writing it at the end.
func BenchmarkRestart(b *testing.B) {
	for _, size := range []struct{ tasks, objects int }{{10000, 100}, {50000, 200}} {
		name := fmt.Sprintf("tasks=%d", size.tasks)
		specs, output := b.TempDir(), b.TempDir()
		writeFleetSpecs(b, specs, size.tasks, size.objects)
		store := knownFleet(b, size.tasks)
		onePass(b, specs, output, func(*target.Directory) (reconcile.Inventory, error) { return asIs{store}, nil })
		dir, err := target.Open(output, target.Options{})
		if err != nil {
			b.Fatal(err)
		}
		keep := func(b *testing.B) {
			now := time.Now()
			for name, data := range map[string][]byte{
				"inventory": inventory.EncodeSnapshot(store.Snapshot(), now), "definitions": inventory.EncodeDefinitions(store.Definitions(now)),
			} {
				if err := dir.WriteState(name, data); err != nil {
					b.Fatal(err)
				}
			}
		}
		keep(b)
		opened := func(dir *target.Directory) (reconcile.Inventory, error) {
			return ecs.New(ecs.Options{Cache: stateCache{dir}, CacheFailed: func(err error) { b.Error(err) }})
		}
		b.Run(name+"/first-pass", func(b *testing.B) {
			began := spent()
			for b.Loop() {
				pass := onePass(b, specs, output, opened)
				if found := artifact.Found(pass.Plan.Bundle.Pools); found != 2*size.tasks || len(pass.Snapshot.Tasks) != size.tasks {
					b.Fatalf("%d targets, %d tasks", found, len(pass.Snapshot.Tasks))
				}
			}
			b.ReportMetric(float64((spent()-began).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
		b.Run(name+"/read", func(b *testing.B) {
			for b.Loop() {
				if _, err := opened(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/write", func(b *testing.B) {
			for b.Loop() {
				keep(b)
			}
		})
	}
}
