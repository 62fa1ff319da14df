package source

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"ecs-scrape/spec"
)

const tooLarge = "has 1048577 bytes, more than 1048576; split it"

func wantProblems(t *testing.T, set *spec.Set, want ...spec.Problem) {
	t.Helper()
	if diff := cmp.Diff(want, set.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func at(file, message string) spec.Problem {
	return spec.Problem{Position: spec.Position{File: file}, Message: message}
}

// TestDirectoryBrokenFile: one file that cannot be read is a problem, and edits
// of the others are taken.
func TestDirectoryBrokenFile(t *testing.T) {
	link := func(to, name string) func(dir string) error {
		return func(dir string) error { return os.Symlink(to, filepath.Join(dir, name)) }
	}
	tests := map[string]struct {
		prepare func(dir string) error
		want    spec.Problem
	}{
		"large": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "x.yml"), bytes.Repeat([]byte("#"), maxFileSize+1), 0o644)
		}, at("x.yml", tooLarge)},
		"link to nowhere": {link("nowhere", "x.yml"), at("x.yml", "links to what does not exist; mend or remove the link")},
		"linked directory": {
			link(t.TempDir(), "team"), at("team/", "links to a directory, which is not followed; link its files, or move it here"),
		},
		"linked directory named as a file": {
			link(t.TempDir(), "x.yml"), at("x.yml", "links to a directory, which is not followed; link its files, or move it here"),
		},
		"device": {link(os.DevNull, "x.yml"), at("x.yml", "is no regular file; remove or rename it")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "good.yml", doc("good", "1"), time.Hour)
			d := NewDirectory(dir)
			before := load(t, d)
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			set := load(t, d)
			wantProblems(t, set, tt.want)
			if set == before || load(t, d) != set {
				t.Error("not noticed, or noticed again")
			}
			write(t, dir, "good.yml", doc("good", "2"), time.Minute)
			if set = load(t, d); set.Objects[0].Metadata.Annotations["note"] != "2" {
				t.Error("an edit beside it is not taken")
			}
			wantProblems(t, set, tt.want)
			if err := os.Remove(filepath.Join(dir, strings.TrimSuffix(tt.want.File, "/"))); err != nil {
				t.Fatal(err)
			}
			checkFiles(t, load(t, d), "good.yml")
			if err := tt.prepare(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Files(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want.Error()) {
				t.Errorf("files without decoding: error %v", err)
			}
		})
	}
}

// TestDirectoryProblemsAreSorted with those of documents.
func TestDirectoryProblemsAreSorted(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.yml", "c.yml"} {
		write(t, dir, name, "kind: [", time.Hour)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "b.yml")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range load(t, NewDirectory(dir)).Problems {
		got = append(got, p.File)
	}
	if diff := cmp.Diff([]string{"a.yml", "b.yml", "c.yml"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestS3BrokenObject(t *testing.T) {
	b := newBucket(t)
	b.put(t, "good.yml", doc("good", "1"))
	b.put(t, "refused.yml", doc("refused", "1"))
	b.put(t, "big.yml", strings.Repeat("#", maxFileSize+1))
	b.forbid("refused.yml", true)
	s := b.source("shop", "")
	want := []spec.Problem{
		at("big.yml", tooLarge),
		at("refused.yml", "S3 refuses to hand it out (Forbidden); allow s3:GetObject and its KMS key, or restore it from its archive"),
	}
	first := loadS3(t, s)
	wantProblems(t, first, want...)
	if loadS3(t, s) != first {
		t.Error("another set of the same")
	}
	b.put(t, "good.yml", doc("good", "2"))
	set := loadS3(t, s)
	if set.Objects[0].Metadata.Annotations["note"] != "2" {
		t.Error("an edit beside it is not taken")
	}
	wantProblems(t, set, want...)
	b.put(t, "big.yml", doc("big", "1"))
	b.forbid("refused.yml", false)
	checkFiles(t, loadS3(t, s), "big.yml", "good.yml", "refused.yml")
	b.put(t, "big.yml", strings.Repeat("#", maxFileSize+1))
	wantProblems(t, loadS3(t, s), want[0])
	b.remove(t, "big.yml")
	checkFiles(t, loadS3(t, s), "good.yml", "refused.yml")
}

// silent answers nothing.
type silent struct{}

func (silent) ListObjectsV2(ctx context.Context, _ *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (silent) GetObject(ctx context.Context, _ *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestS3Silent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := NewS3(silent{}, "shop", "p").Load(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no complete answer within 20s") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took != loadWithin {
			t.Errorf("given up after %v", took)
		}
	})
}
