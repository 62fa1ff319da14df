package target

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	// cutMark stands where a secret was, as in what Prometheus shows of its own.
	cutMark = "<secret>"
	// Shorter words are too common in messages to be cut from them.
	shortestSecret = 4
	// A secret that was replaced may still be told in an answer for a while.
	keptSecrets = 4096
)

// secrets are the words that no message may hold. It may be used concurrently.
type secrets struct {
	mu    sync.Mutex
	words []string // the newest last
}

// add keeps words and the forms that they have in addresses, headers and quotes.
func (s *secrets) add(words ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, word := range words {
		for _, form := range formsOf(strings.TrimSpace(word)) {
			if len(form) >= shortestSecret && !slices.Contains(s.words, form) {
				s.words = append(s.words, form)
			}
		}
	}
	s.words = s.words[max(0, len(s.words)-keptSecrets):]
}

func formsOf(word string) []string {
	quoted := strconv.Quote(word)
	return []string{
		url.QueryEscape(word), url.PathEscape(word), url.UserPassword("", word).String()[1:], quoted[1 : len(quoted)-1],
		base64.StdEncoding.EncodeToString([]byte(word)), word,
	}
}

// cut is a text without the secrets, the longest first, since one may be part
// of another.
func (s *secrets) cut(text string) string {
	s.mu.Lock()
	words := slices.Clone(s.words)
	s.mu.Unlock()
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, word := range words {
		text = strings.ReplaceAll(text, word, cutMark)
	}
	return text
}

// redacted is an error whose text has secrets cut. What it was made of is only
// for errors.Is and errors.As.
type redacted struct {
	text  string
	cause error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.cause }

// cutError is the error itself where it tells no secret.
func (s *secrets) cutError(err error) error {
	if err == nil {
		return nil
	}
	before := err.Error()
	if after := s.cut(before); after != before {
		return &redacted{after, err}
	}
	return err
}
