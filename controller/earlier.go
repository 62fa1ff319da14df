package controller

// Earlier are the digests of the configurations on disk that are not current,
// the one used last first. Only those that are what was once published, and
// valid, are among them.
func (d Directory) Earlier() ([]string, error) {
	all, err := d.Generations()
	if err != nil {
		return nil, err
	}
	var sound []string
	for _, g := range all {
		if g.Current {
			continue
		}
		if d.Sound(g.Digest) == nil {
			sound = append(sound, g.Digest)
		}
	}
	return sound, nil
}
