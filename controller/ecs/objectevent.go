package ecs

import (
	"encoding/json"
	"net/url"
	"strings"
)

// Object is an object of S3 that an event tells of.
type Object struct{ Bucket, Key string }

const objectSource = "aws.s3" // of EventBridge

// objectEnvelope is an event of S3: its own notification (Amazon S3 User Guide,
// "Event message structure"), the message with which it tries a queue, or one by
// way of EventBridge ("EventBridge event message structure").
type objectEnvelope struct {
	Event  string `json:"Event"`
	Bucket any    `json:"Bucket"`

	Records []struct {
		Source string `json:"eventSource"`
		Name   string `json:"eventName"`
		S3     struct {
			Bucket objectBucket `json:"bucket"`
			Object objectKey    `json:"object"`
		} `json:"s3"`
	} `json:"Records"`

	DetailType string `json:"detail-type"`
	Detail     struct {
		Bucket objectBucket `json:"bucket"`
		Object objectKey    `json:"object"`
	} `json:"detail"`
}

type objectBucket struct {
	Name string `json:"name"`
}

type objectKey struct {
	Key string `json:"key"`
}

// parseObjects reads what a message tells of objects of S3 that were written or
// removed. ok is false of a message that is not S3's.
func parseObjects(e envelope, text string) (objects []Object, ok bool) {
	if e.Source != objectSource && e.Records == nil && e.Event == "" {
		return nil, false
	}
	var o objectEnvelope
	if json.Unmarshal([]byte(text), &o) != nil {
		return nil, false
	}
	switch {
	case e.Source == objectSource:
		if changesObject(o.DetailType, "Object Created", "Object Deleted") {
			objects = []Object{{o.Detail.Bucket.Name, o.Detail.Object.Key}}
		}
		return objects, true
	case strings.HasPrefix(o.Event, "s3:"):
		return nil, true
	}
	for _, r := range o.Records {
		if r.Source != "aws:s3" {
			continue
		}
		ok = true
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err == nil && changesObject(r.Name, "ObjectCreated:", "ObjectRemoved:", "LifecycleExpiration:") {
			objects = append(objects, Object{r.S3.Bucket.Name, key})
		}
	}
	return objects, ok
}

func changesObject(name string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// tell passes on what an event of S3 tells of. The error is errForeign where
// nobody asks for any of it.
func (w *Watcher) tell(objects []Object) error {
	known := false
	for _, o := range objects {
		if w.options.ObjectChanged != nil && w.options.ObjectChanged(o) {
			known = true
		}
	}
	if !known {
		return errForeign
	}
	return nil
}
