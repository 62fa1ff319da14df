package controller

import (
	"fmt"
	"time"

	"ecs-scrape/controller/target"
	"ecs-scrape/reconcile"
	"ecs-scrape/reconcile/artifact"
)

// Directory is the published directory as a pass uses it.
type Directory struct {
	*target.Directory
	// Secrets become files before a configuration is published, by name.
	Secrets map[string][]byte
	// SecretsUID is as in [target.Directory.WriteSecrets].
	SecretsUID int
}

// Live is what is published now. What was damaged reads as absent, and is
// written anew.
func (d Directory) Live() (*artifact.Bundle, error) {
	b, _, err := d.Directory.Live()
	return b, err
}

// WriteTargets implements reconcile.Output.
func (d Directory) WriteTargets(now time.Time, pools []artifact.Pool) (reconcile.Published, error) {
	w, err := d.Directory.WriteTargets(now, pools)
	return reconcile.Published{Changed: len(w.Paths), Bytes: w.Bytes, Due: w.Deferred}, err
}

// WriteConfig writes the secrets that the files may name, stages the files, has
// them judged as they were read back, and swaps them in. Where they are live
// already, and whole, nothing is written.
func (d Directory) WriteConfig(files artifact.Files, check func(artifact.Files) error) error {
	if err := d.WriteSecrets(d.Secrets, d.SecretsUID); err != nil {
		return err
	}
	live, err := d.Live()
	if err != nil {
		return err
	}
	if current, _, err := d.Current(); err == nil && current == files.Digest() && live.Digest() == current {
		return nil
	}
	digest, err := d.Stage(files, func(dir string) error {
		back, err := target.ReadFiles(dir)
		if err != nil {
			return err
		}
		if back.Digest() != files.Digest() {
			return fmt.Errorf("%s does not read back as it was written: look at the file system", dir)
		}
		return check(back)
	})
	if err != nil {
		return err
	}
	return d.Swap(digest)
}
