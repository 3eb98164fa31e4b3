// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
)

const (
	requestMax = 256 << 10 // bytes of a message that the daemon takes
	answerMax  = 4 << 20   // bytes of an answer
	depthMax   = 16        // how deep a message is nested
)

var (
	errTooLarge = errors.New("the answer is larger than 4 MiB")
	errMalform  = errors.New("bytes that are not an answer")
)

// answer is [1, id, error, result]; id is nil in the daemon's last on a connection.
type answer struct {
	id      uint32
	last    bool
	refusal map[string]any // nil unless it is an error
	result  any
}

// answers reads one answer after the other. It reads MessagePack by itself: the package's decoder asks
// for each byte through an interface, and reading an answer took longer than all else here.
type answers struct {
	from *bufio.Reader
	left int // bytes that the answer may still have
}

func newAnswers(from io.Reader) *answers { return &answers{from: bufio.NewReader(from)} }

// next reads an answer. Its error is errMalform or errTooLarge if bytes came that are not an answer, otherwise
// that of the connection.
func (a *answers) next() (answer, error) {
	a.left = answerMax
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

// bytes are the next ones. They hold until more is read.
func (a *answers) bytes(count int) ([]byte, error) {
	if count > a.left {
		return nil, errTooLarge
	}
	a.left -= count
	if count > a.from.Size() {
		out := make([]byte, count)
		_, err := io.ReadFull(a.from, out)
		return out, err
	}
	out, err := a.from.Peek(count)
	if err == nil {
		_, err = a.from.Discard(count)
	}
	return out, err
}

// number reads an unsigned integer of 1, 2, 4 or 8 bytes.
func (a *answers) number(count int) (uint64, error) {
	from, err := a.bytes(count)
	if err != nil {
		return 0, err
	}
	switch count {
	case 1:
		return uint64(from[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(from)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(from)), nil
	default:
		return binary.BigEndian.Uint64(from), nil
	}
}

// value reads text as string, bin as []byte, an integer as int64 (or uint64 if it is larger), and a
// map as map[string]any, in which a name that is given twice is nil: so nobody reads either value.
func (a *answers) value(depth int) (any, error) {
	code, err := a.number(1)
	if err != nil {
		return nil, err
	}
	return a.coded(int(code), depth)
}

// coded reads a value after its first byte.
func (a *answers) coded(code, depth int) (any, error) {
	switch {
	case depth > depthMax:
		return nil, errMalform
	case code < 0x80:
		return int64(code), nil
	case code < 0x90:
		return a.pairs(code&15, depth)
	case code < 0xa0:
		return a.array(code&15, depth)
	case code < 0xc0:
		return a.text(code & 31)
	case code >= 0xe0:
		return int64(int8(code)), nil
	case code == 0xc0:
		return nil, nil
	case code == 0xc2 || code == 0xc3:
		return code == 0xc3, nil
	case code >= 0xca && code <= 0xd3:
		return a.numeral(code)
	}
	return a.sized(code, depth)
}

// numeral reads a float or an integer that follows its code.
func (a *answers) numeral(code int) (any, error) {
	width := 1 << ((code - 0xcc) & 3)
	if code < 0xcc {
		width = 4 << (code - 0xca)
	}
	number, err := a.number(width)
	switch {
	case err != nil:
		return nil, err
	case code == 0xca:
		return float64(math.Float32frombits(uint32(number))), nil
	case code == 0xcb:
		return math.Float64frombits(number), nil
	case code >= 0xd0:
		unused := 64 - 8*width
		return int64(number<<unused) >> unused, nil
	case number > math.MaxInt64:
		return number, nil
	}
	return int64(number), nil
}

// sized reads what has its length after its code.
func (a *answers) sized(code, depth int) (any, error) {
	width, read := 0, (func(int) (any, error))(nil)
	switch {
	case code >= 0xc4 && code <= 0xc6:
		width, read = 1<<(code-0xc4), a.binary
	case code >= 0xd9 && code <= 0xdb:
		width, read = 1<<(code-0xd9), func(length int) (any, error) { return a.text(length) }
	case code == 0xdc || code == 0xdd:
		width, read = 2<<(code-0xdc), func(count int) (any, error) { return a.array(count, depth) }
	case code == 0xde || code == 0xdf:
		width, read = 2<<(code-0xde), func(count int) (any, error) { return a.pairs(count, depth) }
	default:
		return nil, errMalform
	}
	length, err := a.number(width)
	if err != nil {
		return nil, err
	}
	if length > answerMax { // each item has a byte
		return nil, errTooLarge
	}
	return read(int(length))
}

func (a *answers) binary(length int) (any, error) {
	from, err := a.bytes(length)
	return append([]byte{}, from...), err
}

func (a *answers) text(length int) (string, error) {
	from, err := a.bytes(length)
	if err == nil && !utf8.Valid(from) {
		err = errMalform
	}
	if err != nil {
		return "", err
	}
	return string(from), nil
}

// few is how many items to make room for at first. No length is believed: the room grows with what came.
func few(count int) int {
	if count > 16 {
		return 16
	}
	return count
}

func (a *answers) array(count, depth int) (any, error) {
	items := make([]any, 0, few(count))
	for ; count > 0; count-- {
		item, err := a.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (a *answers) pairs(count, depth int) (any, error) {
	fields := make(map[string]any, few(count))
	for ; count > 0; count-- {
		name, err := a.name(depth + 1)
		if err != nil {
			return nil, err
		}
		value, err := a.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if _, twice := fields[name]; twice {
			value = nil
		}
		fields[name] = value
	}
	return fields, nil
}

// Names that nearly every answer has: they are not copied from each.
var usual = func() map[string]string {
	out := map[string]string{}
	for _, name := range []string{"allow", "status", "reason", "revision", "key", "principal", "tenant",
		"environment", "renew", "renew_by", "quota"} {
		out[name] = name
	}
	return out
}()

func (a *answers) name(depth int) (string, error) {
	code, err := a.number(1)
	if err != nil {
		return "", err
	}
	if code < 0xa0 || code >= 0xc0 || depth > depthMax {
		value, err := a.coded(int(code), depth)
		name, isText := value.(string)
		if err == nil && !isText {
			err = errMalform
		}
		return name, err
	}
	from, err := a.bytes(int(code & 31))
	if err != nil {
		return "", err
	}
	if name, there := usual[string(from)]; there {
		return name, nil
	}
	if !utf8.Valid(from) {
		return "", errMalform
	}
	return string(from), nil
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
