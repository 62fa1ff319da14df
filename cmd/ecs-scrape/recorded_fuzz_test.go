package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzSnapshot plans with any file as the --snapshot: the answer is a difference
// or an error of one line, whatever is in it, and never a panic.
func FuzzSnapshot(f *testing.F) {
	examples, err := filepath.Glob("../../examples/*/snapshot.json")
	must(f, err)
	for _, path := range examples {
		data, err := os.ReadFile(path)
		must(f, err)
		f.Add(data)
	}
	for _, text := range []string{
		`{}`, `null`, `[]`, `{"tasks": [null], "definitions": {"a": null}, "instances": {"b": null}, "services": {"c": null}}`,
		`{"scopes": [{"scope": {"account": "1", "region": "r", "cluster": "c"}, "state": "nonsense"}], "tasks": [{"arn": ""}, {"arn": "x/y", "containers": [{}]}]}`,
	} {
		f.Add([]byte(text))
	}
	specs := filepath.Join("..", "..", "examples", "bridge-dynamic-ports", "specs")
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "snapshot.json")
		must(t, os.WriteFile(path, data, 0o600))
		var out, errs bytes.Buffer
		code := execute(t.Context(), []string{"diff", "--specs", specs, "--output", filepath.Join(dir, "output"), "--snapshot", path, "--ecs.region", "eu-west-1"}, nil, &out, &errs)
		if strings.Contains(errs.String(), "panic") {
			t.Fatalf("exit %d\n%s", code, &errs)
		}
		if code == exitError && errs.Len() == 0 {
			t.Error("an error without a word")
		}
	})
}
