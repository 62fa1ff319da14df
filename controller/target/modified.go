package target

import "time"

// Modified are the modification times of the target files as they were written
// or looked at last, by path. It opens no file.
func (d *Directory) Modified() map[string]time.Time {
	out := make(map[string]time.Time, len(d.pools))
	for p, state := range d.pools {
		if state.stamp.modified != 0 {
			out[p] = time.Unix(0, state.stamp.modified)
		}
	}
	return out
}
