// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEveryFormOfAValueIsRead(t *testing.T) {
	long, longer, list := strings.Repeat("a", 200), strings.Repeat("b", 70000), make([]any, 17)
	for i := range list {
		list[i] = int64(i)
	}
	numbers := ""
	for i := range list {
		numbers += string(rune(i))
	}
	for from, wanted := range map[string]any{
		"\x7f": int64(127), "\xff": int64(-1), "\xe0": int64(-32), "\xc0": nil, "\xc2": false, "\xc3": true,
		"\xcc\xc8": int64(200), "\xcd\x01\x02": int64(258), "\xce\x80\x00\x00\x01": int64(1<<31 + 1),
		"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff": int64(1<<63 - 1), "\xcf\x80\x00\x00\x00\x00\x00\x00\x00": uint64(1 << 63),
		"\xd0\x80": int64(-128), "\xd1\xff\x00": int64(-256), "\xd2\xff\xff\xff\xfe": int64(-2),
		"\xd2\x00\x01\x00\x00":                 int64(65536),
		"\xd3\xff\xff\xff\xff\xff\xff\xff\xfd": int64(-3), "\xca\x3f\x80\x00\x00": 1.0,
		"\xcb\xc0\x00\x00\x00\x00\x00\x00\x00": -2.0,
		"\xa0":                                 "", "\xbf" + long[:31]: long[:31],
		"\xd9\xc8" + long: long, "\xda\x00\xc8" + long: long,
		"\xdb\x00\x01\x11\x70" + longer: longer,
		"\xc4\x02\xff\x00":              []byte("\xff\x00"), "\xc5\x00\x01a": []byte("a"), "\xc6\x00\x00\x00\x00": []byte{},
		"\x90": []any{}, "\xdc\x00\x11" + numbers: list, "\xdd\x00\x00\x00\x11" + numbers: list,
		"\x81\xa1a\x01": map[string]any{"a": int64(1)}, "\xde\x00\x01\xd9\x01b\x90": map[string]any{"b": []any{}},
		"\xdf\x00\x00\x00\x02\xa5allow\xc3\xa1c\x80": map[string]any{"allow": true, "c": map[string]any{}},
		"\x82\xa5allow\xc3\xa5allow\xc3":             map[string]any{"allow": nil},
	} {
		for _, source := range []io.Reader{strings.NewReader(from), iotest.OneByteReader(strings.NewReader(from))} {
			a := newAnswers(source)
			a.left = len(from)
			if value, err := a.value(0); err != nil || !reflect.DeepEqual(value, wanted) || a.left != 0 {
				t.Errorf("%.20q: %v, %v, %d bytes are left", from, value, err, a.left)
			}
		}
		short := newAnswers(strings.NewReader(from[:len(from)-1]))
		short.left = answerMax
		if value, err := short.value(0); err == nil {
			t.Errorf("%.20q without its last byte: %v", from, value)
		}
	}
}

func TestWhatIsNoValueIsNotRead(t *testing.T) {
	for from, wanted := range map[string]error{
		"\xc1": errMalform, "\xd4\x01\x02": errMalform, "\xa1\xff": errMalform, "\x81\xa1\xff\x01": errMalform,
		"\x81\x01\x01": errMalform, "\x81\xc4\x01a\x01": errMalform, "\x81\xc0\x01": errMalform,
		strings.Repeat("\x91", depthMax+1) + "\xc0": errMalform, strings.Repeat("\x81\xa0", depthMax+1) + "\xc0": errMalform,
		"\xdb\xff\xff\xff\xff": errTooLarge, "\xdf\xff\xff\xff\xff": errTooLarge, "\xa9principal": errTooLarge,
	} {
		a := newAnswers(strings.NewReader(from))
		if a.left = len(from); wanted == errTooLarge {
			a.left = 9
		}
		if value, err := a.value(0); !errors.Is(err, wanted) {
			t.Errorf("%.20q: %v, %v", from, value, err)
		}
	}
	deepest := newAnswers(strings.NewReader(strings.Repeat("\x91", depthMax) + "\xc0"))
	deepest.left = answerMax
	if _, err := deepest.value(0); err != nil {
		t.Error(err)
	}
}
