<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

// PHP compiles these to instructions when it need not look for them in this namespace first.
use function array_is_list, array_key_exists, array_map, chr, count, implode, is_array, is_int, is_string,
    ord, pack, preg_match, str_starts_with, strlen, substr, unpack;

/**
 * MessagePack, as far as the protocol has it. ext-msgpack would not do: it does not notice a field
 * that is given twice, nor where a message ends, and by default it makes objects of what it reads.
 * @internal
 */
final class Wire
{
    public const ANSWER_MAX = 4 << 20;
    private const DEPTH_MAX = 16;

    private int $at = 0;
    private readonly int $end;
    private string $texts = ''; // all of the message, each with an end of line: checked at once

    private function __construct(private readonly string $bytes)
    {
        $this->end = strlen($bytes);
    }

    public static function pack(#[\SensitiveParameter] mixed $value): string
    {
        if (is_string($value)) {
            return ($length = strlen($value)) < 32 ? chr(0xa0 | $length) . $value
                : self::head($length, 0xa0, 32, "\xda", "\xdb") . $value;
        }
        return match (true) {
            $value === null => "\xc0",
            $value === false => "\xc2",
            $value === true => "\xc3",
            is_int($value) => $value >= 0 && $value < 128 ? chr($value) : "\xd3" . pack('J', $value),
            $value instanceof Secret => self::pack($value->reveal()),
            $value instanceof \DateTimeInterface => self::pack($value->getTimestamp()),
            $value instanceof \stdClass => self::map((array) $value), // {} is an empty map, [] an empty list
            is_array($value) && array_is_list($value) => self::head(count($value), 0x90, 16, "\xdc", "\xdd")
                . implode('', array_map(self::pack(...), $value)),
            is_array($value) => self::map($value),
            default => throw new AuthzError('invalid_request', 'a parameter cannot be packed'),
        };
    }

    /** @param array<string, mixed> $fields also when there are none */
    public static function map(#[\SensitiveParameter] array $fields): string
    {
        $out = self::head(count($fields), 0x80, 16, "\xde", "\xdf");
        foreach ($fields as $name => $value) {
            // Most are short texts. A call for each would take longer than all else.
            $out .= is_string($name) && ($length = strlen($name)) < 32
                ? chr(0xa0 | $length) . $name : self::pack((string) $name);
            $out .= is_string($value) && ($length = strlen($value)) < 32
                ? chr(0xa0 | $length) . $value : self::pack($value);
        }
        return $out;
    }

    private static function head(int $length, int $short, int $below, string $code16, string $code32): string
    {
        return $length < $below ? chr($short | $length)
            : ($length < 65536 ? $code16 . pack('n', $length) : $code32 . pack('N', $length));
    }

    /**
     * Takes the first value from the bytes; null: it is not complete. A map is a Fields.
     * @param string $head bytes of a list up to its last item; what begins with them need not be read one by one
     * @param list<mixed> $items the items that the head has
     * @return ?array{0: mixed}
     * @throws Unavailable when they are not a message
     */
    public static function take(string &$bytes, string $head = '', array $items = []): ?array
    {
        $wire = new self($bytes);
        try {
            if ($head !== '' && str_starts_with($bytes, $head)) {
                $wire->at = strlen($head);
                $items[] = $wire->value(1);
                $value = $items;
            } else {
                $value = $wire->value(0);
            }
            if (preg_match('//u', $wire->texts) !== 1) {
                self::malformed();
            }
        } catch (\UnderflowException) {
            if (strlen($bytes) > self::ANSWER_MAX) {
                throw new Unavailable('the answer is larger than 4 MiB');
            }
            return null;
        }
        $bytes = substr($bytes, $wire->at);
        return [$value];
    }

    private function read(int $length): string
    {
        if ($length > $this->end - $this->at) {
            throw new \UnderflowException();
        }
        $this->at += $length;
        return substr($this->bytes, $this->at - $length, $length);
    }

    private function number(int $bytes): int
    {
        if ($bytes > $this->end - $this->at) {
            throw new \UnderflowException();
        }
        for ($number = 0; $bytes > 0; $bytes--) {
            $number = ($number << 8) | ord($this->bytes[$this->at++]);
        }
        return $number;
    }

    private function signed(int $bytes): int
    {
        $shift = 64 - 8 * $bytes;
        return ($this->number($bytes) << $shift) >> $shift;
    }

    private static function malformed(): never
    {
        throw new Unavailable('the answer cannot be read: it is not a message');
    }

    private function value(int $depth): mixed
    {
        if ($depth > self::DEPTH_MAX) {
            self::malformed();
        }
        if ($this->at >= $this->end) {
            throw new \UnderflowException();
        }
        $code = ord($this->bytes[$this->at++]);
        if ($code < 0x80) {
            return $code;
        }
        if ($code < 0xc0) {
            return $code >= 0xa0 ? $this->text($code & 31)
                : ($code < 0x90 ? $this->fields($code & 15, $depth) : $this->items($code & 15, $depth));
        }
        if ($code >= 0xe0) {
            return $code - 256;
        }
        return match ($code) {
            0xc0 => null,
            0xc2 => false,
            0xc3 => true,
            0xc4, 0xc5, 0xc6 => $this->read($this->number(1 << ($code - 0xc4))),
            0xca => unpack('G', $this->read(4))[1],
            0xcb => unpack('E', $this->read(8))[1],
            0xcc, 0xcd, 0xce => $this->number(1 << ($code - 0xcc)),
            0xcf => ($n = $this->number(8)) < 0 ? null : $n, // more than PHP's integers have
            0xd0, 0xd1, 0xd2, 0xd3 => $this->signed(1 << ($code - 0xd0)),
            0xd9, 0xda, 0xdb => $this->text($this->number(1 << ($code - 0xd9))),
            0xdc, 0xdd => $this->items($this->number(2 << ($code - 0xdc)), $depth),
            0xde, 0xdf => $this->fields($this->number(2 << ($code - 0xde)), $depth),
            default => self::malformed(),
        };
    }

    private function text(int $length): string
    {
        if ($length > $this->end - $this->at) {
            throw new \UnderflowException();
        }
        $text = substr($this->bytes, $this->at, $length);
        $this->at += $length;
        $this->texts .= $text . "\n";
        return $text;
    }

    /** @return list<mixed> */
    private function items(int $count, int $depth): array
    {
        for ($items = []; $count > 0; $count--) {
            $items[] = $this->value($depth + 1);
        }
        return $items;
    }

    /** A name that is given twice is null, so that nobody reads either value. */
    private function fields(int $count, int $depth): Fields
    {
        if ($count > 0 && $depth === self::DEPTH_MAX) {
            self::malformed();
        }
        [$bytes, $at, $last, $texts] = [$this->bytes, $this->at, $this->end - 1, ''];
        $fields = [];
        for ($left = 2 * $count; $left > 0; $left--) {
            // Most names and values are short texts. A call for each would take longer than all else.
            $length = $at <= $last ? ord($bytes[$at]) - 0xa0 : -1;
            if ($length >= 0 && $length < 32 && $length <= $last - $at) {
                $item = substr($bytes, $at + 1, $length);
                $at += 1 + $length;
                $texts .= "$item\n";
            } else {
                $this->at = $at;
                $item = $this->value($depth + 1);
                $at = $this->at;
            }
            if ($left % 2 === 0) {
                $name = is_string($item) ? $item : self::malformed();
            } else {
                $fields[$name] = array_key_exists($name, $fields) ? null : $item;
            }
        }
        $this->at = $at;
        $this->texts .= $texts;
        return new Fields($fields);
    }
}
