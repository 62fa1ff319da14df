package inventory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// coder writes a value, or reads it into an empty one: one description of each
// type serves both ways, so that they cannot disagree. What is written is shared,
// and is not touched. Numbers are varints. A name, which occurs
// often, is written once and then referred to; this makes the code small, quick
// to read, and its strings few in memory.
type coder struct {
	reading bool
	data    []byte // written so far, or still to be read
	err     error  // of reading; after it everything reads as empty

	names []string          // read so far
	index map[string]uint64 // of names written so far
}

var errCut = errors.New("it ends too early")

func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.data = nil
}

func (c *coder) uint(v *uint64) {
	if !c.reading {
		c.data = binary.AppendUvarint(c.data, *v)
		return
	}
	got, n := binary.Uvarint(c.data)
	if n <= 0 {
		c.fail(errCut)
		*v = 0
		return
	}
	*v, c.data = got, c.data[n:]
}

func (c *coder) int(v *int64) {
	u := uint64(*v<<1) ^ uint64(*v>>63)
	c.uint(&u)
	if c.reading {
		*v = int64(u>>1) ^ -int64(u&1)
	}
}

func (c *coder) bool(v *bool) {
	var u uint64
	if *v {
		u = 1
	}
	c.uint(&u)
	if c.reading {
		*v = u != 0
	}
}

func (c *coder) port(v *uint16) {
	u := uint64(*v)
	c.uint(&u)
	switch {
	case !c.reading:
	case u > 1<<16-1:
		c.fail(fmt.Errorf("%d is no port", u))
	default:
		*v = uint16(u)
	}
}

// time is kept to the nanosecond, in UTC.
func (c *coder) time(v *time.Time) {
	var n int64
	if !v.IsZero() {
		n = v.UnixNano()
	}
	c.int(&n)
	if c.reading && n != 0 {
		*v = time.Unix(0, n).UTC()
	}
}

// count is the length of a list, of which each element takes a byte at least.
func (c *coder) count(n int) int {
	u := uint64(n)
	c.uint(&u)
	if c.reading && u > uint64(len(c.data)) {
		c.fail(errCut)
		return 0
	}
	return int(u)
}

// text is a string that hardly occurs twice.
func (c *coder) text(v *string) {
	n := c.count(len(*v))
	if !c.reading {
		c.data = append(c.data, *v...)
		return
	}
	*v, c.data = string(c.data[:n]), c.data[n:]
}

// name is a string that occurs often: 0 and its text at first, thereafter the
// number that it got by that, from 1.
func (c *coder) name(v *string) {
	ref := c.index[*v]
	c.uint(&ref)
	switch {
	case ref == 0:
		c.text(v)
		if c.reading {
			c.names = append(c.names, *v)
		} else {
			c.index[*v] = uint64(len(c.index) + 1)
		}
	case !c.reading:
	case ref > uint64(len(c.names)):
		c.fail(fmt.Errorf("it refers to string %d of %d", ref, len(c.names)))
		*v = ""
	default:
		*v = c.names[ref-1]
	}
}

func (c *coder) addr(v *netip.Addr) {
	raw := string(v.AsSlice())
	c.text(&raw)
	if !c.reading {
		return
	}
	var ok bool
	if *v, ok = netip.AddrFromSlice([]byte(raw)); !ok && raw != "" {
		c.fail(fmt.Errorf("%d bytes are no address", len(raw)))
	}
}

// listOf codes a slice; an empty one is read as nil.
func listOf[T any](c *coder, v *[]T, each func(*T)) {
	n := c.count(len(*v))
	if !c.reading {
		for i := range *v {
			each(&(*v)[i])
		}
		return
	}
	*v = nil
	for range n {
		if c.err != nil {
			return
		}
		if *v == nil {
			*v = make([]T, 0, min(n, 1<<12)) // n may be nonsense
		}
		*v = append(*v, *new(T))
		each(&(*v)[len(*v)-1])
	}
}

// mapOf codes a map in the order of its keys; an empty one is read as nil.
func mapOf[T any](c *coder, v *map[string]T, each func(*T)) {
	keys := slices.Sorted(maps.Keys(*v))
	old := *v
	if c.reading {
		*v = nil
	}
	listOf(c, &keys, func(key *string) {
		c.name(key)
		value := old[*key]
		each(&value)
		if c.reading && c.err == nil {
			*v = with(*v, *key, value)
		}
	})
}

// pointerTo codes what may be nil.
func pointerTo[T any](c *coder, v **T, each func(*T)) {
	there := *v != nil
	c.bool(&there)
	if c.reading && there {
		*v = new(T)
	}
	if there {
		each(*v)
	}
}
