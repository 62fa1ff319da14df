package spec

// Nearest is the choice that the word is most likely a misspelling of, or "".
func Nearest(word string, choices []string) string { return nearest(word, choices) }

// JoinPath is the path of a field below another, as problems write it: the key
// is in brackets and quotes where it is no plain word.
func JoinPath(path, key string) string { return join(path, key) }
