package spec

// Nearest is the choice that the word is most likely a misspelling of, or "".
func Nearest(word string, choices []string) string { return nearest(word, choices) }
