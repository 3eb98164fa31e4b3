<?php

// SPDX-License-Identifier: Apache-2.0
// PHP's client and a bare round trip, in turns: see ../clients.py. The bare one packs and unpacks with ext-msgpack.

declare(strict_types=1);

require __DIR__ . '/../../../client/php/autoload.php';

const FIRST_ID = 0x10000; // ids from here on have one width

/** A function that asks once: what msgpack and a socket alone take. */
function bare(string $path, array $params): Closure
{
    $connection = stream_socket_client("unix://$path");
    $number = FIRST_ID;
    return static function () use ($connection, $params, &$number): bool {
        fwrite($connection, msgpack_pack([0, ++$number, 'authorize', [$params]]));
        return msgpack_unpack(fread($connection, 1 << 16))[3]['allow'];
    };
}

/** The median time of a call in one turn, in microseconds. */
function turn(Closure $ask, float $seconds): float
{
    $taken = [];
    $begun = $now = hrtime(true);
    while ($now - $begun < $seconds * 1e9) {
        $before = $now;
        if (!$ask()) {
            exit('denied');
        }
        $now = hrtime(true);
        $taken[] = $now - $before;
    }
    sort($taken);
    return $taken[intdiv(count($taken), 2)] / 1e3;
}

[, $daemon, $echo, $text, $turns, $seconds] = $argv;
$params = json_decode($text, true);
$client = new Authz\Client($daemon);
$asks = ['echo' => bare($echo, $params), 'client' => static fn () => $client->check(...$params)->allowed,
    'bare' => bare($daemon, $params)];
$found = [];
for ($number = 0; $number < (int) $turns; $number++) {
    foreach ($asks as $name => $ask) {
        $found[$name][] = turn($ask, (float) $seconds);
    }
}
echo json_encode($found), "\n";
