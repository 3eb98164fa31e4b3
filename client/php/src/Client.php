<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use function array_key_exists, array_map, array_values, count, in_array, max;

/**
 * Asks authzd, and manages keys, principals, roles and assignments.
 *
 *     $client = new Authz\Client();
 *     $decision = $client->check(token: $_SERVER['HTTP_AUTHORIZATION'] ?? '', method: $_SERVER['REQUEST_METHOD'],
 *         path: $_SERVER['REQUEST_URI']);
 *     if ($decision->allowed) { ... }
 *
 * It fails closed: allowed() is false on every error, and check() throws. Errors are either an
 * AuthzError, which is the daemon's answer, or Unavailable: there is no answer. The names of parameters
 * and fields are those of PROTOCOL.md. A client has one connection, and one process uses it; after a fork
 * the child opens its own.
 */
final class Client
{
    private const DECIDES = ['authorize', 'authorize_many', 'permissions', 'plan'];
    private const READS = ['status', 'keys.audit', 'audit.verify', 'policy.names',
        'policy.tree', 'principals.permissions', 'roles.holders', 'who', 'whoami', 'decisions.try'];
    private const YIELDS = ['keys.create', 'keys.rotate', 'keys.renew'];
    private const REQUESTS_MAX = 1024;
    private const EVERYWHERE_TIMEOUT = 120.0; // seconds at least, of a change with `everywhere`

    public readonly Room $keys;
    public readonly Room $principals;
    public readonly Room $roles;
    public readonly Room $assignments;
    public readonly Room $tenants;
    public readonly Room $audit;
    public readonly Room $policy;

    private readonly Connection $deciding;
    private readonly Connection $managing;
    private ?string $place = null;

    /**
     * @param ?string $socket the path; null: the default one of all clients
     * @param float $timeout seconds that a call may take, connecting included
     * @param ?int $server_uid the daemon's user, to trust in addition; null: that of $AUTHZ_SERVER_USER
     * @param ?Secret $token what calls that manage present; null: they manage by the Unix user
     */
    public function __construct(
        ?string $socket = null,
        private readonly float $timeout = 1.0,
        ?int $server_uid = null,
        private readonly ?Secret $token = null,
    ) {
        $server = $server_uid ?? Trust::serverUser();
        if ($socket !== null) {
            $socket = Trust::checked($socket);
            $this->deciding = $this->managing = new Connection(static fn () => $socket, $server);
        } else {
            $this->deciding = new Connection(Trust::defaultSocket(...), $server);
            $this->managing = new Connection(Trust::managingSocket(...), $server);
        }
        $this->rooms();
    }

    private function rooms(): void
    {
        foreach (['keys', 'principals', 'roles', 'assignments', 'tenants', 'audit', 'policy'] as $name) {
            $this->$name = new Room($this, $name);
        }
    }

    /**
     * A client on the same connections whose calls are answered by a host that has the change at this place, the
     * `as_of` of a change's record, of those that share a store. One that does not reach it within a second is Stale.
     * null: as ever.
     */
    public function asOf(?string $place): self
    {
        $other = (new \ReflectionClass(self::class))->newInstanceWithoutConstructor();
        [$other->timeout, $other->token] = [$this->timeout, $this->token];
        [$other->deciding, $other->managing, $other->place] = [$this->deciding, $this->managing, $place];
        $other->rooms();
        return $other;
    }

    /**
     * One decision. The parameters are those of `authorize`: a token or a principal, or neither; and method
     * and path, or action and resource; service, environment, tenant, tree, ip, mfa_at, time; and facts, which the
     * policy declares: ['resource.owner' => 'ann', 'context.amount' => 500, 'resource.regions' => ['EU']].
     */
    public function check(#[\SensitiveParameter] mixed ...$request): Decision
    {
        self::question($request, '');
        if ($this->place !== null) {
            $request += ['as_of' => $this->place];
        }
        $result = $this->deciding->ask('authorize', $request, $this->timeout, true);
        return $result instanceof Decision ? $result : Decision::of($result);
    }

    /** The same as check(). */
    public function authorize(#[\SensitiveParameter] mixed ...$request): Decision
    {
        return $this->check(...$request);
    }

    /** False on every error. */
    public function allowed(#[\SensitiveParameter] mixed ...$request): bool
    {
        try {
            return $this->check(...$request)->allowed;
        } catch (AuthzError | Unavailable) {
            return false;
        }
    }

    /**
     * Several decisions in one message, by one revision of the policy. What $shared has applies to each
     * request that does not have it.
     * @param list<array<string, mixed>> $requests 1 to 1024
     * @param array<string, mixed> $shared
     * @return list<Decision> one that cannot be read is a denial with status 503
     */
    public function authorizeMany(#[\SensitiveParameter] array $requests, #[\SensitiveParameter] array $shared = []): array
    {
        if ($requests === [] || count($requests) > self::REQUESTS_MAX) {
            throw new AuthzError('invalid_request', 'requests: must have 1 to 1024 entries', 'requests');
        }
        foreach ($requests as $i => $request) {
            self::question($request + $shared, "requests[$i].");
        }
        $result = $this->ask('authorize_many', [...$shared, 'requests' => array_values($requests)]);
        $results = $result instanceof Fields ? $result->get('results', 'array', true) : [];
        $revision = $result instanceof Fields ? $result->get('revision', 'string', true) : '';
        if (count($results) !== count($requests)) {
            throw new Unavailable('the answer cannot be read: not one result for each request');
        }
        return array_map(static function (mixed $one) use ($revision): Decision {
            try {
                return Decision::of($one, $revision);
            } catch (Unavailable) {
                return Decision::unavailable();
            }
        }, $results);
    }

    /**
     * What roles and scopes allow; the parameters are those of `permissions`. Its items have `resource` and `actions`;
     * one with `when` is allowed only on that condition, a text. Its `reason` says why there are none.
     */
    public function permissions(#[\SensitiveParameter] mixed ...$params): Listing
    {
        return $this->pages('permissions', $params);
    }

    /**
     * Of which resources of a node a request would be allowed. The parameters are those of check(), but the path or the
     * resource may be a node as declared, such as "bookings:/bookings/{booking}". Its where() is that of a query.
     */
    public function plan(#[\SensitiveParameter] mixed ...$request): Plan
    {
        self::question($request, '');
        return Plan::of($this->fields('plan', $request));
    }

    /** Any method. @param array<string, mixed> $params @return array<string, mixed> */
    public function call(string $method, #[\SensitiveParameter] array $params = []): array
    {
        return $this->fields($method, $params)->plain();
    }

    /** Any method whose result has items and a cursor. @param array<string, mixed> $params */
    public function pages(string $method, #[\SensitiveParameter] array $params): Listing
    {
        return new Listing(fn (array $more) => $this->fields($method, $more + $params));
    }

    public function close(): void
    {
        $this->deciding->close();
        $this->managing->close();
    }

    private static function question(#[\SensitiveParameter] array $request, string $place): void
    {
        $path = array_key_exists('method', $request);
        $resource = array_key_exists('action', $request);
        if (array_key_exists('token', $request) && array_key_exists('principal', $request)) {
            throw new AuthzError('invalid_request', "{$place}principal: a token is given too", "{$place}principal");
        }
        if ($path === $resource || $path !== array_key_exists('path', $request)
            || $resource !== array_key_exists('resource', $request)) {
            throw new AuthzError('invalid_request', "{$place}path: give method and path, or action and resource",
                "{$place}path");
        }
    }

    private function fields(string $method, #[\SensitiveParameter] array $params): Fields
    {
        $result = $this->ask($method, $params);
        return $result instanceof Fields ? $result : throw new Unavailable('the answer cannot be read: it is not a map');
    }

    private function ask(string $method, #[\SensitiveParameter] array $params): mixed
    {
        if ($this->place !== null) {
            $params += ['as_of' => $this->place];
        }
        if (in_array($method, self::DECIDES, true)) {
            return $this->deciding->ask($method, $params, $this->timeout, true);
        }
        if ($this->token !== null) {
            $params += ['token' => $this->token];
        }
        $yields = in_array($method, self::YIELDS, true);
        if ($yields) {
            $params += ['request_id' => bin2hex(random_bytes(16))];
        }
        $again = $yields || in_array($method, self::READS, true)
            || preg_match('/\.(get|list|status)$/D', $method) === 1;
        $to = isset($params['token']) ? $this->deciding : $this->managing;
        $timeout = ($params['everywhere'] ?? false) === true ? max($this->timeout, self::EVERYWHERE_TIMEOUT)
            : $this->timeout;
        return $to->ask($method, $params, $timeout, $again);
    }
}
