package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
)

// Scraped is what the configuration of that digest has scraped; nil where that was
// not noted, or cannot be trusted.
func (d Directory) Scraped(digest string) (artifact.Scraped, error) {
	data, err := d.ReadState(target.ScrapedFile(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s artifact.Scraped
	if json.Unmarshal(data, &s) != nil {
		return nil, nil // of another version
	}
	return s, nil
}

// Stay is [reconcile.Stay] for the configuration of that digest, where nobody knows
// what Prometheus has loaded.
func (d Directory) Stay(want *artifact.Bundle, now time.Time, digest string) (reconcile.Published, error) {
	s := reconcile.Staying{}
	var err error
	if s.Config, err = d.ReadGeneration(digest); err != nil {
		return reconcile.Published{}, fmt.Errorf("read configuration %s: %w", digest, err)
	}
	if s.Scraped, err = d.Scraped(digest); err != nil {
		return reconcile.Published{}, err
	}
	return reconcile.Stay(d, want, now, s)
}

// ScrapedLog notes what the current configuration scrapes, on disk, for when it is
// gone back to. It is for one goroutine. The zero value is ready.
type ScrapedLog struct {
	digest string
	known  artifact.Scraped
	pools  map[string]artifact.Pool // noted last, by path
}

// scrapedStore keeps what was noted.
type scrapedStore interface {
	Scraped(digest string) (artifact.Scraped, error)
	WriteState(name string, data []byte) error
}

// Note adds what the pools of a configuration scrape. Nothing is written where it
// is known already.
func (l *ScrapedLog) Note(out scrapedStore, digest string, pools []artifact.Pool) error {
	if err := l.turn(out, digest); err != nil {
		return err
	}
	grown := false
	for _, p := range pools {
		if before, ok := l.pools[p.Path]; !ok || !before.SameTargets(p) {
			grown = l.known.Add(p) || grown
			l.pools[p.Path] = p
		}
	}
	if !grown {
		return nil
	}
	data, err := json.Marshal(l.known)
	if err == nil {
		err = out.WriteState(target.ScrapedFile(digest), data)
	}
	if err != nil {
		l.digest = "" // to be noted anew
		return fmt.Errorf("keep what configuration %s scrapes: %w", digest, err)
	}
	return nil
}

// turn takes up what is known of another configuration.
func (l *ScrapedLog) turn(out scrapedStore, digest string) error {
	if l.digest == digest {
		return nil
	}
	known, err := out.Scraped(digest)
	if err != nil {
		return err
	}
	if known == nil {
		known = artifact.Scraped{}
	}
	*l = ScrapedLog{digest: digest, known: known, pools: map[string]artifact.Pool{}}
	return nil
}
