package awssim

import (
	"encoding/base64"
	"encoding/json"
)

// pageToken is what the opaque nextToken of every paged operation holds.
type pageToken struct {
	Operation string `json:"o"`
	Page      int    `json:"p"`           // of the page it leads to, from 1
	After     int64  `json:"a,omitempty"` // the last item seen, by number
	Name      string `json:"n,omitempty"` // or by name
}

func (t pageToken) String() string {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // a struct of strings and numbers always marshals
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseToken reads a token of the given operation; the empty one is page 1.
func parseToken(operation, token string) (pageToken, error) {
	if token == "" {
		return pageToken{Operation: operation, Page: 1}, nil
	}
	var t pageToken
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(b, &t) != nil || t.Operation != operation {
		return pageToken{}, invalidParameter("Invalid token")
	}
	return t, nil
}

// pageOf is the number of the page that a token leads to.
func pageOf(token string) int {
	var t pageToken
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(b, &t) != nil || t.Page == 0 {
		return 1
	}
	return t.Page
}

// pageSize is the number of items a page may hold, as asked for or by default.
func pageSize(asked *int, byDefault, limit int) (int, error) {
	switch {
	case asked == nil || *asked == 0:
		return byDefault, nil
	case *asked < 1 || *asked > limit:
		return 0, invalidParameter("maxResults is out of range")
	}
	return *asked, nil
}

// pageOfItems cuts the page after a token out of items sorted by name.
func pageOfItems[T any](items []T, name func(T) string, t pageToken, size int) (page []T, next string) {
	start := 0
	for start < len(items) && t.Name != "" && name(items[start]) <= t.Name {
		start++
	}
	items = items[start:]
	if len(items) <= size {
		return items, ""
	}
	page = items[:size]
	return page, pageToken{Operation: t.Operation, Page: t.Page + 1, Name: name(page[size-1])}.String()
}
