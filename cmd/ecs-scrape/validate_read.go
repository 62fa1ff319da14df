package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ecs-scrape/controller/source"
	"ecs-scrape/spec"
)

// fromStdin is the path, and stdinName the name in places, of standard input.
const (
	fromStdin = "-"
	stdinName = "<stdin>"
)

// readSpecs reads all paths as one set, so that objects may refer to each
// other. A file that is named twice is read once.
func readSpecs(ctx context.Context, paths []string, stdin io.Reader) ([]spec.File, error) {
	var files []spec.File
	seen := map[string]bool{}
	for _, path := range paths {
		if path == fromStdin && seen[stdinName] {
			continue // it has been read to its end
		}
		found, err := readPath(ctx, path, stdin)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !seen[f.Name] {
				files = append(files, f)
			}
			seen[f.Name] = true
		}
	}
	if len(files) == 0 {
		return nil, errNoSpecs
	}
	return files, nil
}

func readPath(ctx context.Context, path string, stdin io.Reader) ([]spec.File, error) {
	if path == fromStdin {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return []spec.File{{Name: stdinName, Data: data}}, nil
	}
	if _, err := os.Stat(path); err != nil && strings.ContainsAny(path, "*?[") {
		return readPattern(ctx, path)
	}
	return readOnDisk(ctx, path)
}

func readOnDisk(ctx context.Context, path string) ([]spec.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		data, err := os.ReadFile(path)
		name := filepath.ToSlash(filepath.Clean(path))
		return []spec.File{{Name: name, Root: rootOf(name), Data: data}}, err
	}
	files, err := source.NewDirectory(path).Files(ctx)
	for i := range files {
		files[i].Name = filepath.ToSlash(filepath.Join(path, files[i].Name))
		files[i].Root = rootOf(files[i].Name)
	}
	return files, err
}

// readPattern reads what a pattern matches that no shell has expanded.
func readPattern(ctx context.Context, pattern string) ([]spec.File, error) {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: *, ? and [a-z] are special: %w", pattern, err)
	}
	if len(matches) == 0 {
		return nil, fmt.Errorf("nothing matches the pattern %q", pattern)
	}
	var files []spec.File
	for _, path := range matches {
		found, err := readOnDisk(ctx, path)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// rootOf is what leads from here to files elsewhere: all that a clean path
// cannot have within a source.
func rootOf(name string) string {
	rest := strings.TrimPrefix(name, "/")
	for strings.HasPrefix(rest, "../") {
		rest = rest[len("../"):]
	}
	return name[:len(name)-len(rest)]
}
