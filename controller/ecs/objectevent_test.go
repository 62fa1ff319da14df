package ecs

import (
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestObjectEvents: S3 tells of objects in three forms; what it says that is
// nothing of objects is no rubbish.
func TestObjectEvents(t *testing.T) {
	const direct = `{"Records":[
{"eventSource":"aws:s3","eventName":"ObjectCreated:CompleteMultipartUpload","s3":{"bucket":{"name":"b"},"object":{"key":"p/a+b%2F%C3%A9.yaml"}}},
{"eventSource":"aws:s3","eventName":"ObjectRemoved:DeleteMarkerCreated","s3":{"bucket":{"name":"b"},"object":{"key":"p/c"}}},
{"eventSource":"aws:s3","eventName":"ObjectTagging:Put","s3":{"bucket":{"name":"b"},"object":{"key":"p/d"}}},
{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}}},
{"eventSource":"aws:other","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"e"}}}]}`
	const test = `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`
	bridge := func(name string) string {
		return `{"source":"aws.s3","detail-type":"` + name + `","detail":{"bucket":{"name":"b"},"object":{"key":"p/a+b.yaml","size":1}}}`
	}
	sns := func(text string) string { return `{"Type":"Notification","Message":` + strconv.Quote(text) + `}` }
	both := []Object{{"b", "p/a b/é.yaml"}, {"b", "p/c"}}
	for _, c := range []struct {
		name, body string
		want       []Object
		err        error
	}{
		{"direct", direct, both, nil},
		{"by SNS", sns(direct), both, nil},
		{"by EventBridge", bridge("Object Created"), []Object{{"b", "p/a+b.yaml"}}, nil},
		{"by EventBridge and SNS", sns(bridge("Object Deleted")), []Object{{"b", "p/a+b.yaml"}}, nil},
		{"another of EventBridge", bridge("Object Restore Completed"), nil, nil},
		{"test", test, nil, nil},
		{"records of others", `{"Records":[{"eventSource":"aws:ses"}]}`, nil, errForeign},
		{"records of another form", `{"Records":"x"}`, nil, errForeign},
		{"no JSON", `{"Records":`, nil, errPoison},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := parseMessage(c.body)
			if diff := cmp.Diff(c.want, n.objects); diff != "" || !errors.Is(err, c.err) {
				t.Errorf("error %v, objects (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestObjectsThatNobodyAsksFor are ignored, as events of anything else.
func TestObjectsThatNobodyAsksFor(t *testing.T) {
	var told []Object
	w := &Watcher{options: Options{ObjectChanged: func(o Object) bool {
		told = append(told, o)
		return o.Key == "mine"
	}}}
	if err := w.tell([]Object{{"b", "other"}, {"b", "mine"}}); err != nil || len(told) != 2 {
		t.Errorf("error %v, told %v", err, told)
	}
	for _, err := range []error{w.tell([]Object{{"b", "other"}}), w.tell(nil), new(Watcher).tell([]Object{{"b", "mine"}})} {
		if !errors.Is(err, errForeign) {
			t.Errorf("error %v", err)
		}
	}
}
