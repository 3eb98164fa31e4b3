// SPDX-License-Identifier: Apache-2.0

package authz

import "time"

// fields reads a map of an answer. The first field that is missing or of the wrong type is noted in
// wrong; then nothing that was read counts.
type fields struct {
	fields map[string]any
	wrong  string
}

func fieldsOf(value any) *fields {
	m, isMap := value.(map[string]any)
	f := &fields{fields: m}
	if !isMap {
		f.wrong = "it is not a map"
	}
	return f
}

func (f *fields) err() error {
	if f.wrong != "" {
		return unreadable(f.wrong)
	}
	return nil
}

func (f *fields) fault(name string) {
	if f.wrong == "" {
		f.wrong = name
	}
}

func (f *fields) has(name string) bool {
	_, there := f.fields[name]
	return there
}

// must notes it when a field is missing.
func (f *fields) must(name string) *fields {
	if !f.has(name) {
		f.fault(name)
	}
	return f
}

// field reads one; an absent one is zero.
func field[T any](f *fields, name string) T {
	value, there := f.fields[name]
	typed, good := value.(T)
	if there && !good {
		f.fault(name)
	}
	return typed
}

func (f *fields) text(name string) string  { return field[string](f, name) }
func (f *fields) flag(name string) bool    { return field[bool](f, name) }
func (f *fields) number(name string) int64 { return field[int64](f, name) }

func (f *fields) time(name string) time.Time {
	if seconds := f.number(name); seconds != 0 {
		return time.Unix(seconds, 0)
	}
	return time.Time{}
}

func (f *fields) duration(name string) time.Duration {
	return time.Duration(f.number(name)) * time.Second
}

func (f *fields) texts(name string) []string {
	var out []string
	for _, item := range field[[]any](f, name) {
		text, isText := item.(string)
		if !isText {
			f.fault(name)
		}
		out = append(out, text)
	}
	return out
}

// list reads a list of maps.
func list[T any](f *fields, name string, read func(*fields) T) []T {
	var out []T
	for _, item := range field[[]any](f, name) {
		one := fieldsOf(item)
		out = append(out, read(one))
		if one.wrong != "" {
			f.fault(name + ": " + one.wrong)
		}
	}
	return out
}

// refusal is the daemon's error. One without a code is treated as internal.
func refusal(from map[string]any) error {
	f := &fields{fields: from}
	e := &Error{Code: f.text("code"), Message: f.text("message"), Param: f.text("param"),
		IDs: f.texts("ids"), Diagnostics: list(f, "diagnostics", readDiagnostic), MayStand: f.flag("may_stand")}
	if e.Code == "" {
		e.Code = CodeInternal
	}
	return e
}

// params are those of a call: what is zero is not sent.
type params map[string]any

func (p params) text(name, value string) params {
	if value != "" {
		p[name] = value
	}
	return p
}

func (p params) secret(name string, value Secret) params {
	if !value.IsZero() {
		p[name] = value.Reveal()
	}
	return p
}

func (p params) texts(name string, value []string) params {
	if value != nil {
		items := make([]any, len(value))
		for i, text := range value {
			items[i] = text
		}
		p[name] = items
	}
	return p
}

func (p params) time(name string, value time.Time) params {
	if !value.IsZero() {
		p[name] = value.Unix()
	}
	return p
}

func (p params) duration(name string, value time.Duration) params {
	if value != 0 {
		p[name] = int64(value / time.Second)
	}
	return p
}

func (p params) flag(name string, value bool) params {
	if value {
		p[name] = true
	}
	return p
}
