// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

const (
	requestMax = 256 << 10 // bytes of a message that the daemon takes
	answerMax  = 4 << 20   // bytes of an answer
	depthMax   = 16        // how deep a message is nested
)

var (
	errTooLarge = errors.New("the answer is larger than 4 MiB")
	errMalform  = errors.New("bytes that are no answer")
)

// answer is [1, id, error, result]; id is nil in the daemon's last on a connection.
type answer struct {
	id      uint32
	last    bool
	refusal map[string]any // nil unless it is an error
	result  any
}

// bounded reads no more of a message than left bytes.
type bounded struct {
	from *bufio.Reader
	left int
}

func (b *bounded) Read(into []byte) (int, error) {
	if len(into) > 0 && b.left <= 0 {
		return 0, errTooLarge
	}
	if len(into) > b.left {
		into = into[:b.left]
	}
	n, err := b.from.Read(into)
	b.left -= n
	return n, err
}

func (b *bounded) ReadByte() (byte, error) {
	if b.left <= 0 {
		return 0, errTooLarge
	}
	c, err := b.from.ReadByte()
	if err == nil {
		b.left--
	}
	return c, err
}

func (b *bounded) UnreadByte() error {
	err := b.from.UnreadByte()
	if err == nil {
		b.left++
	}
	return err
}

// answers reads one answer after the other.
type answers struct {
	source  bounded
	decoder *msgpack.Decoder
}

func newAnswers(from io.Reader) *answers {
	a := &answers{source: bounded{from: bufio.NewReader(from)}}
	a.decoder = msgpack.NewDecoder(&a.source)
	return a
}

// next reads an answer. Its error is errMalform or errTooLarge if bytes came that are none, otherwise
// that of the connection.
func (a *answers) next() (answer, error) {
	a.source.left = answerMax
	var out answer
	value, err := a.value(0)
	if err != nil {
		return out, err
	}
	parts, _ := value.([]any)
	if len(parts) != 4 || parts[0] != int64(1) {
		return out, errMalform
	}
	number, isNumber := parts[1].(int64)
	switch {
	case parts[1] == nil:
		out.last = true
	case isNumber && number >= 0 && number <= math.MaxUint32:
		out.id = uint32(number)
	default:
		return out, errMalform
	}
	if parts[2] != nil {
		refusal, isMap := parts[2].(map[string]any)
		if !isMap || parts[3] != nil {
			return out, errMalform
		}
		out.refusal = refusal
		return out, nil
	}
	if out.last {
		return out, errMalform
	}
	out.result = parts[3]
	return out, nil
}

// value reads text as string, bin as []byte, an integer as int64 (or uint64 if it is larger), and a
// map as map[string]any, in which a name that is given twice is nil: so nobody reads either value.
func (a *answers) value(depth int) (any, error) {
	code, err := a.decoder.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case depth > depthMax:
		return nil, errMalform
	case code == msgpcode.Nil:
		return nil, a.decoder.DecodeNil()
	case code == msgpcode.False || code == msgpcode.True:
		return a.decoder.DecodeBool()
	case msgpcode.IsFixedArray(code) || code == msgpcode.Array16 || code == msgpcode.Array32:
		return a.array(depth)
	case msgpcode.IsFixedMap(code) || code == msgpcode.Map16 || code == msgpcode.Map32:
		return a.pairs(depth)
	case msgpcode.IsFixedString(code) || (code >= msgpcode.Str8 && code <= msgpcode.Str32):
		return a.text()
	case msgpcode.IsBin(code):
		return a.decoder.DecodeBytes()
	case msgpcode.IsFixedNum(code) || (code >= msgpcode.Int8 && code <= msgpcode.Int64):
		return a.decoder.DecodeInt64()
	case code >= msgpcode.Uint8 && code <= msgpcode.Uint64:
		number, err := a.decoder.DecodeUint64()
		if number > math.MaxInt64 {
			return number, err
		}
		return int64(number), err
	case code == msgpcode.Float || code == msgpcode.Double:
		return a.decoder.DecodeFloat64()
	default:
		return nil, errMalform
	}
}

func (a *answers) text() (any, error) {
	text, err := a.decoder.DecodeString()
	if err == nil && !utf8.ValidString(text) {
		err = errMalform
	}
	return text, err
}

// array believes no length: it grows with the items that came.
func (a *answers) array(depth int) (any, error) {
	count, err := a.decoder.DecodeArrayLen()
	items := []any{}
	for ; err == nil && count > 0; count-- {
		var item any
		if item, err = a.value(depth + 1); err == nil {
			items = append(items, item)
		}
	}
	return items, err
}

func (a *answers) pairs(depth int) (any, error) {
	count, err := a.decoder.DecodeMapLen()
	fields := map[string]any{}
	for ; err == nil && count > 0; count-- {
		var name, value any
		if name, err = a.value(depth + 1); err != nil {
			break
		}
		text, isText := name.(string)
		if !isText {
			return nil, errMalform
		}
		if value, err = a.value(depth + 1); err == nil {
			if _, twice := fields[text]; twice {
				value = nil
			}
			fields[text] = value
		}
	}
	return fields, err
}

// pack makes the bytes of a request; withID puts its id in.
func pack(method string, params map[string]any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := msgpack.NewEncoder(&buffer)
	encoder.UseCompactInts(true)
	buffer.Write([]byte{0x94, 0x00, 0xce, 0, 0, 0, 0})
	err := encoder.EncodeString(method)
	if err == nil && len(params) == 0 {
		err = encoder.EncodeArrayLen(0)
	} else if err == nil {
		err = encoder.EncodeArrayLen(1)
		if err == nil {
			err = encoder.EncodeMap(params)
		}
	}
	if err != nil {
		return nil, &Error{Code: CodeInvalidRequest, Message: "the parameters cannot be packed"}
	}
	if buffer.Len() > requestMax {
		return nil, &Error{Code: CodeInvalidRequest, Message: "the request is larger than 256 KiB"}
	}
	return buffer.Bytes(), nil
}

// withID is a copy: a request that is sent again has another id.
func withID(request []byte, id uint32) []byte {
	out := append([]byte(nil), request...)
	out[3], out[4], out[5], out[6] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
	return out
}
