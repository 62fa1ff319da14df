package reconcile_test

import (
	"bytes"
	"testing"

	"ecs-scrape/reconcile"
)

// FuzzDecodeAccepted: whatever an earlier run, or somebody else, has left, it is
// an error or objects that come back as they are.
func FuzzDecodeAccepted(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"file":"a.yaml","line":3,"source":"a2luZDogTm9uc2Vuc2U="}]`))
	f.Add([]byte(`[{"file":"../a.yaml","line":-1,"source":"YXBpVmVyc2lvbjogZWNzLXNjcmFwZS92MQpraW5kOiBTY3JhcGVUYXJnZXQKbWV0YWRhdGE6IHtuYW1lOiBhfQpzcGVjOiB7ZW5kcG9pbnRzOiBbe3BvcnQ6IDF9XX0K"}]`))
	f.Add([]byte(`{"a":`))
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := reconcile.DecodeAccepted(data)
		if err != nil {
			return
		}
		first, err := objects.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := reconcile.DecodeAccepted(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		second, err := again.Encode()
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("read and written again, it differs (%v):\n%s\n%s", err, first, second)
		}
	})
}
