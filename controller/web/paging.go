package web

import (
	"net/url"
	"strconv"
)

// How many rows a page shows of a long list.
const (
	mostRows  = 200
	mostDiffs = 10
)

// paging is one page of a long list.
type paging struct {
	Number, Pages, Total int
	size                 int
	address              string
	values               url.Values
	name                 string
}

// newPaging reads the page's number from a parameter. A number that does not
// exist is the nearest that does.
func newPaging(address string, values url.Values, name string, total, size int) paging {
	pages := max(1, (total+size-1)/size)
	n, err := strconv.Atoi(values.Get(name))
	if err != nil {
		n = 1
	}
	return paging{Number: min(max(n, 1), pages), Pages: pages, Total: total, size: size, address: address, values: values, name: name}
}

// From is the position of the page's first row.
func (p paging) From() int { return (p.Number - 1) * p.size }

// To is the position after the page's last row.
func (p paging) To() int { return min(p.From()+p.size, p.Total) }

// First is the number of the page's first row, as people count.
func (p paging) First() int { return p.From() + 1 }

// Previous is the address of the page before, or "".
func (p paging) Previous() string { return p.at(p.Number - 1) }

// Next is the address of the page after, or "".
func (p paging) Next() string { return p.at(p.Number + 1) }

func (p paging) at(n int) string {
	if n < 1 || n > p.Pages {
		return ""
	}
	values := url.Values{}
	for name, v := range p.values {
		values[name] = v
	}
	values.Set(p.name, strconv.Itoa(n))
	return p.address + "?" + values.Encode()
}

// onPage is the part of a list that a page shows.
func onPage[T any](all []T, p paging) []T { return all[p.From():p.To()] }
