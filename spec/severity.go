package spec

import "slices"

// Faulty says that one of the problems is an error: a warning does nothing to
// its document.
func Faulty(problems []Problem) bool { return slices.ContainsFunc(problems, Problem.IsError) }

// IsError says that the document is not served because of the problem.
func (p Problem) IsError() bool { return p.Severity == Error }

// FirstError is the first of the problems that is an error, and whether there is one.
func FirstError(problems []Problem) (Problem, bool) {
	i := slices.IndexFunc(problems, Problem.IsError)
	if i < 0 {
		return Problem{}, false
	}
	return problems[i], true
}

// Errors are those of the problems that are errors.
func Errors(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return !p.IsError() })
}
