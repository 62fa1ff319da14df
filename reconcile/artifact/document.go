package artifact

// DiffDocument is the unified diff of two versions of one YAML or JSON document,
// either of which may be nil: it is not there. Secrets are left out, as in the diff
// of prometheus.yml.
func DiffDocument(name string, before, after []byte) string {
	had, has := before != nil, after != nil
	before, after = maskConfig(before, after)
	return unified(name, before, after, had, has)
}
