// SPDX-License-Identifier: Apache-2.0

package authz

import "context"

// Pages is a list that fetches its pages as it goes:
//
//	keys := client.Keys.List(ctx, authz.KeyFilter{})
//	for keys.Next() {
//		fmt.Println(keys.Item().ID)
//	}
//	if err := keys.Err(); err != nil { ... }
//
// One goroutine uses it. Each page is a call of its own, with its own time.
type Pages[T any] struct {
	ctx    context.Context
	client *Client
	method string
	params params
	read   func(*fields) T

	items  []T
	at     int
	item   T
	last   bool // there is no other page
	err    error
	status int
	reason string
}

func newPages[T any](ctx context.Context, c *Client, method string, p params, read func(*fields) T) *Pages[T] {
	return &Pages[T]{ctx: ctx, client: c, method: method, params: p, read: read}
}

// Next goes to the next item; false: there is none, or an error came.
func (p *Pages[T]) Next() bool {
	for p.err == nil && p.at == len(p.items) && !p.last {
		p.fetch()
	}
	if p.err != nil || p.at == len(p.items) {
		return false
	}
	p.item = p.items[p.at]
	p.at++
	return true
}

// fetch reads one page; it may be empty and still have a cursor.
func (p *Pages[T]) fetch() {
	p.items, p.at = nil, 0
	result, err := p.client.call(p.ctx, p.method, p.params)
	if err != nil {
		p.err = err
		return
	}
	f := fieldsOf(result)
	items := list(f.must("items"), "items", p.read)
	cursor := f.text("cursor")
	p.status, p.reason = int(f.number("status")), f.text("reason")
	if p.err = f.err(); p.err != nil {
		return
	}
	if cursor != "" && cursor == p.params["cursor"] && len(items) == 0 {
		p.err = unreadable("a page leads to itself")
		return
	}
	p.items, p.last = items, cursor == ""
	p.params["cursor"] = cursor
}

// Item is the present one, after Next was true.
func (p *Pages[T]) Item() T { return p.item }

// Err is what ended the list early; nil: it is complete.
func (p *Pages[T]) Err() error { return p.err }

// Decision is the status and the reason of the last page of Permissions.
func (p *Pages[T]) Decision() (status int, reason string) { return p.status, p.reason }

// All are the items that are left.
func (p *Pages[T]) All() ([]T, error) {
	var out []T
	for p.Next() {
		out = append(out, p.Item())
	}
	if p.err != nil {
		return nil, p.err
	}
	return out, nil
}
