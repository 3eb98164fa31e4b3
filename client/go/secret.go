// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"io"
)

const hidden = "[secret]"

// Secret is a token. No verb of fmt, no logger and no encoder shows it, also not inside of another
// value: only Reveal does. The zero Secret stands for no token, which is not the same as an empty one.
type Secret struct {
	text *string // a pointer: fmt prints unexported fields of other types without asking String
}

// NewSecret makes a Secret of a token, as presented: it may begin with "Bearer ".
func NewSecret(token string) Secret { return Secret{&token} }

// Reveal returns the token.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero says whether there is none.
func (s Secret) IsZero() bool { return s.text == nil }

func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return hidden
}

// Format writes the same for every verb.
func (s Secret) Format(state fmt.State, verb rune) { _, _ = io.WriteString(state, s.String()) }

// MarshalText is for encoders, such as that of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
