#!/usr/bin/php
<?php
// SPDX-License-Identifier: Apache-2.0
// The PHP client's replayer of cases.json: replay.php FILE. See README.md of the folder above.

declare(strict_types=1);

require __DIR__ . '/../../../client/php/autoload.php';

use Authz\{AuthzError, Client, Decision, Unavailable};

function decision(Decision $d): array
{
    $out = ['allow' => $d->allowed, 'status' => $d->status, 'reason' => $d->reason, 'revision' => $d->revision,
        'key' => $d->key, 'principal' => $d->principal, 'tenant' => $d->tenant, 'environment' => $d->environment,
        'quota' => $d->quota];
    $out += $d->missing === [] ? [] : ['missing' => $d->missing];
    return $out + ($d->renew ? ['renew' => true, 'renew_by' => $d->renew_by] : []);
}

function outcome(Client $client, array $what): array
{
    try {
        if (isset($what['check'])) {
            return decision($client->check(...$what['check']));
        }
        if (isset($what['check_many'])) {
            $many = $what['check_many'];
            return ['results' => array_map(decision(...), $client->authorizeMany($many['requests'], $many['shared']))];
        }
        return ['result' => $client->call($what['call'], $what['params'])];
    } catch (AuthzError $error) {
        return ['error' => ['code' => $error->code, 'message' => $error->getMessage(), 'param' => $error->param]];
    } catch (Unavailable) {
        return ['unavailable' => true];
    }
}

$file = json_decode(file_get_contents($argv[1]), true, 512, JSON_THROW_ON_ERROR);
foreach ($file['cases'] as $case) {
    $client = new Client($case['socket'], $case['timeout_ms'] / 1000);
    $got = array_map(static function (array $what) use ($client): array {
        $got = outcome($client, $what);
        if (isset($what['check']) && !isset($got['allow'])) {
            $got['allow'] = false; // check() threw: a program has no decision
        }
        return $got;
    }, $case['do']);
    echo json_encode(['name' => $case['name'], 'got' => $got],
        JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
}
