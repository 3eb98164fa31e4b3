<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * The methods of one kind of record: $client->keys->create(...) is keys.create. Parameters are named as
 * in PROTOCOL.md; `id` of keys and principals, and `name` of roles, may come first without its name. Those of keys
 * may have lists as text with commas, and `expires_in_days`.
 *
 *     $key = $client->keys->create(name: 'Production Integration', scopes: 'loans:read', expires_in_days: 365);
 *     $key['api_key']->reveal();                                // this once
 *     foreach ($client->keys->list(principal: 'crm') as $key) { ... }    // all pages
 *
 * In a store that several hosts share, `everywhere: true` of a change returns when no host goes by what was before, and
 * throws NotEverywhere when some host may; `as_of` of its record is a place for Client::asOf().
 *
 * A record is an array of its fields; the secret of a new key is a Secret at `api_key`.
 */
final class Room
{
    private const LISTS = ['keys.list', 'keys.audit', 'principals.list', 'roles.list', 'assignments.list',
        'tenants.list', 'audit.list', 'audit.verify', 'policy.tree'];

    /** @internal */
    public function __construct(private readonly Client $client, private readonly string $name)
    {
    }

    public function __call(string $method, #[\SensitiveParameter] array $params): mixed
    {
        if (array_key_exists(0, $params)) {
            $params[$this->name === 'roles' ? 'name' : 'id'] = $params[0];
            unset($params[0]);
        }
        $params = $this->name === 'keys' ? self::spell($params) : $params;
        $whole = "$this->name.$method";
        if (in_array($whole, self::LISTS, true)) {
            return $this->client->pages($whole, $params);
        }
        $record = $this->client->call($whole, $params);
        if (in_array($whole, ['keys.create', 'keys.rotate', 'keys.renew'], true)) {
            if (!is_string($record['secret'] ?? null)) {
                throw new Unavailable('the answer cannot be read: no secret');
            }
            $record['api_key'] = new Secret($record['secret']);
            unset($record['secret']);
        }
        if (($params['everywhere'] ?? false) === true && ($record['everywhere'] ?? false) !== true) {
            throw new NotEverywhere($record, array_values($record['lacking'] ?? []));
        }
        return $record;
    }

    /** What programs of vendors' clients write: lists as text with commas, and days. */
    private static function spell(#[\SensitiveParameter] array $params): array
    {
        foreach (['scopes', 'roles', 'networks'] as $name) {
            if (is_string($params[$name] ?? null)) {
                $params[$name] = array_map(trim(...), explode(',', $params[$name]));
            }
        }
        if (is_int($params['expires_in_days'] ?? null)) {
            $params['expires_in'] = $params['expires_in_days'] . 'd';
            unset($params['expires_in_days']);
        }
        return $params;
    }
}
