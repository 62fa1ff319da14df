package ecs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ecs-scrape/reconcile/inventory"
)

// Cache keeps bytes from one process to the next, each below its name.
type Cache interface {
	// Load is what Save kept last, nil if it never did, an error if that cannot be
	// had or trusted.
	Load(name string) ([]byte, error)
	// Save replaces what is kept: all of it or, after an error, nothing.
	Save(name string, data []byte) error
}

// Names of what is kept.
const (
	cachedInventory   = "inventory"
	cachedDefinitions = "definitions"
)

const (
	// definitionsEvery is how often task definitions that were learnt are kept: a
	// process that is killed has those of so long to ask for again.
	definitionsEvery = 10 * time.Second
	// inventoryEvery is the same for the rest, of which much changes all the time.
	inventoryEvery = 6 * definitionsEvery
)

// keeper has the cache of a Watcher. One goroutine uses it at a time: the one
// that makes it, that of the first Want, that of Run.
type keeper struct {
	w     *Watcher
	cache Cache
	saved inventory.Saved

	learnt   uint64              // definitions that are kept
	snapshot *inventory.Snapshot // that is kept; nil if it is another process's
	at       time.Time           // of that
	failures map[string]string   // told last, by name
}

// newKeeper reads the cache. What is damaged, or of an unknown format, counts as
// absent, and is replaced.
func newKeeper(w *Watcher) *keeper {
	k := &keeper{w: w, cache: w.options.Cache, failures: map[string]string{}}
	if k.cache == nil {
		return k
	}
	k.load(cachedDefinitions, func(data []byte) (err error) {
		k.saved.Definitions, err = inventory.DecodeDefinitions(data)
		return err
	})
	k.load(cachedInventory, func(data []byte) (err error) {
		k.saved.Snapshot, k.saved.At, err = inventory.DecodeSnapshot(data)
		return err
	})
	return k
}

func (k *keeper) load(name string, decode func([]byte) error) {
	data, err := k.cache.Load(name)
	if err == nil && data != nil {
		err = decode(data)
	}
	if err != nil {
		k.fail(name, fmt.Errorf("the %s of an earlier run cannot be used and will be written anew: %w", name, err))
	}
}

// restore gives what was read to the store, once.
func (k *keeper) restore(held []inventory.Held) {
	k.w.store.Restore(k.saved, held, k.w.now())
	k.saved = inventory.Saved{}
}

// start keeps what is learnt until ctx ends; the channel is closed thereafter.
func (k *keeper) start(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	if k.cache == nil {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		k.run(ctx)
	}()
	return done
}

func (k *keeper) run(ctx context.Context) {
	ticker := time.NewTicker(definitionsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		k.keepDefinitions()
		if now := k.w.now(); k.snapshot == nil || now.Sub(k.at) >= inventoryEvery {
			k.keepInventory(now)
		}
	}
}

// last keeps all that was learnt since.
func (k *keeper) last() {
	if k.cache == nil {
		return
	}
	k.keepDefinitions()
	k.keepInventory(k.w.now())
}

func (k *keeper) keepDefinitions() {
	learnt := k.w.store.Learnt()
	if learnt == k.learnt {
		return
	}
	if k.save(cachedDefinitions, inventory.EncodeDefinitions(k.w.store.Definitions(k.w.now()))) {
		k.learnt = learnt
	}
}

// keepInventory keeps the snapshot if it is another one than that kept last.
// Before anything is wanted or listed, what an earlier process kept stays.
func (k *keeper) keepInventory(now time.Time) {
	snap := k.w.store.Snapshot()
	if !slices.ContainsFunc(snap.Scopes, inventory.ScopeStatus.Listed) || k.snapshot != nil && sameSaved(k.snapshot, snap) {
		return
	}
	if k.save(cachedInventory, inventory.EncodeSnapshot(snap, now)) {
		k.snapshot, k.at = snap, now
	}
}

// sameSaved says that what would be saved of both is the same, but for times.
func sameSaved(a, b *inventory.Snapshot) bool {
	return a == b || a.SameTasks(b) && slices.EqualFunc(a.Scopes, b.Scopes, func(x, y inventory.ScopeStatus) bool {
		return x.Scope == y.Scope && x.State == y.State && x.Restored.Equal(y.Restored) && x.Facts.Covers(y.Facts) && y.Facts.Covers(x.Facts)
	})
}

func (k *keeper) save(name string, data []byte) bool {
	if err := k.cache.Save(name, data); err != nil {
		k.fail(name, fmt.Errorf("keep the %s for the next run: %w", name, err))
		return false
	}
	delete(k.failures, name)
	return true
}

func (k *keeper) fail(name string, err error) {
	if k.failures[name] != err.Error() && k.w.options.CacheFailed != nil {
		k.w.options.CacheFailed(err)
	}
	k.failures[name] = err.Error()
}
