package inventory

import "time"

// NeededOf is [Store.Needed] of one page of a listing, in the page's order: what
// can be asked for before the next page is there. What the whole listing omits
// is not among it.
func (s *Store) NeededOf(scope Scope, page []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.scopes[scope]
	if c == nil {
		return nil
	}
	var need []string
	for _, arn := range page {
		if s.mustDescribe(c, arn) {
			need = append(need, arn)
		}
	}
	return need
}

// DefinitionsOf lists the definitions of these tasks to ask for, as
// [Store.WantedDefinitions] does for all of a scope.
func (s *Store) DefinitionsOf(tasks []*Task, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	var out []string
	for _, t := range tasks {
		if !seen[t.Definition] && s.wantsDefinition(t.Definition, now) {
			out = append(out, t.Definition)
		}
		seen[t.Definition] = true
	}
	return out
}

// WantsDefinition says that the definition is to be asked for, if a task refers
// to it.
func (s *Store) WantsDefinition(arn string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wantsDefinition(arn, now)
}
