<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * Asks the daemon whether an HTTP request may go on, and says what to answer if not. For frameworks with PSR-15
 * there is Middleware; others call ask(). A program without a framework calls protect() first of all:
 *
 *     $decision = (new Authz\Guard(new Authz\Client(), service: 'shop'))->protect();
 *
 * Which paths need no token is the policy's business: role anyone.
 */
final class Guard
{
    // With these an application may route by another method than the one that was decided.
    private const OVERRIDES = ['x-http-method', 'x-http-method-override', 'x-method-override'];
    // An absolute target, as a request to a proxy has it, is routed by its path. One that may be read otherwise
    // goes to the daemon as it is, which refuses it.
    private const ABSOLUTE = '~^https?://[\w.:[\]-]+(?=(?:[/?][!-[\]-\~]*)?$)~Di';

    private readonly ?string $header;

    /**
     * @param ?string $service as in a request of Client::check(); so are $environment, $tenant and $tree
     * @param ?string $header may have the token, too, beside "Authorization: Bearer": such as X-API-Key
     * @param ?string $cookie may have it, too
     * @param string $realm of WWW-Authenticate
     * @param bool $overrides the method is the one after X-HTTP-Method-Override and the like; otherwise a request
     *                        with one is answered 400
     * @param bool $missing_pass a request that is denied as missing_fact goes on, with that denial as its decision:
     *                           the application must ask again, with the facts that only it knows, before it does
     *                           anything
     */
    public function __construct(
        private readonly Client $client,
        private readonly ?string $service = null,
        private readonly ?string $environment = null,
        private readonly ?string $tenant = null,
        private readonly ?string $tree = null,
        ?string $header = null,
        private readonly ?string $cookie = null,
        private readonly string $realm = 'authz',
        private readonly bool $overrides = false,
        private readonly bool $missing_pass = false,
    ) {
        if (preg_match('~^[\w .:/-]*$~D', $realm) !== 1) {
            throw new \InvalidArgumentException('realm may have letters, digits, spaces and . : / - only');
        }
        $this->header = $header === null ? null : strtolower($header);
    }

    /**
     * @param string $method by which the application routes
     * @param string $target as the client sent it: $_SERVER['REQUEST_URI'], which is not decoded
     * @param array<string, list<string>> $headers all values of each header, by its name in lower case
     * @param array<string, mixed> $facts more parameters of the question, such as the client's `ip`; for trusted
     *                                    peers of the daemon
     */
    public function ask(string $method, string $target, #[\SensitiveParameter] array $headers, array $facts = []): Answer
    {
        if (!$this->overrides && array_intersect(self::OVERRIDES, array_keys($headers)) !== []) {
            return $this->answer(Decision::denied(400, 'method_override'), false);
        }
        $tokens = $this->tokens($headers);
        if (count($tokens) > 1) {
            return $this->answer(Decision::denied(401, 'malformed_token'), true);
        }
        $question = array_filter(['service' => $this->service, 'environment' => $this->environment,
            'tenant' => $this->tenant, 'tree' => $this->tree], static fn ($value) => $value !== null);
        $question = [...$question, ...$facts, 'method' => $method, 'path' => self::path($target)];
        if ($tokens !== []) {
            $question['token'] = $tokens[0];
        }
        try {
            $decision = $this->client->check(...$question);
        } catch (AuthzError $error) {
            $decision = $error->code === 'invalid_request' ? Decision::denied(400, 'invalid_request')
                : Decision::unavailable();
        } catch (Unavailable) {
            $decision = Decision::unavailable();
        }
        return $this->answer($decision, $tokens !== []);
    }

    /**
     * Asks about the request that PHP serves. If it may not go on, sends the answer and ends the program.
     * @param array<string, mixed> $facts as in ask()
     */
    public function protect(array $facts = []): Decision
    {
        $headers = [];
        foreach ($_SERVER as $name => $value) {
            if (is_string($value) && str_starts_with((string) $name, 'HTTP_')) {
                $headers[strtolower(strtr(substr($name, 5), '_', '-'))] = [$value];
            }
        }
        $answer = $this->ask($_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI'], $headers, $facts);
        if ($answer->allowed) {
            return $answer->decision;
        }
        http_response_code($answer->status);
        foreach ($answer->headers as $name => $value) {
            header("$name: $value");
        }
        echo $answer->body;
        exit;
    }

    private static function path(string $target): string
    {
        $rest = preg_replace(self::ABSOLUTE, '', $target) ?? $target;
        return $rest === $target || str_starts_with($rest, '/') ? $rest : "/$rest";
    }

    /**
     * Every token that differs from the others. Never one of the query, which ends in logs.
     * @return list<string>
     */
    private function tokens(#[\SensitiveParameter] array $headers): array
    {
        $found = [];
        foreach ($headers['authorization'] ?? [] as $value) {
            // An empty one is a token too, though not a good one.
            if (preg_match('~^\s*bearer(?:\s+(.*))?$~Dis', $value, $parts) === 1) {
                $found[] = trim($parts[1] ?? '');
            }
        }
        foreach ($this->header === null ? [] : $headers[$this->header] ?? [] as $value) {
            $found[] = trim($value);
        }
        foreach ($this->cookie === null ? [] : $headers['cookie'] ?? [] as $value) {
            foreach (explode(';', $value) as $pair) {
                [$name, $text] = explode('=', $pair, 2) + [1 => ''];
                if (trim($name) === $this->cookie) {
                    $found[] = trim($text);
                }
            }
        }
        return array_values(array_unique($found, SORT_STRING));
    }

    private function answer(Decision $decision, bool $token): Answer
    {
        $headers = [];
        // A module can give any reason, but no names of facts.
        $lacks = $decision->reason === 'missing_fact' && $decision->missing !== [];
        $status = $decision->status >= 400 && $decision->status <= 499 ? $decision->status : 403;
        if (in_array($decision->reason, ['unavailable', 'stale'], true)) {
            $status = 503;
            $headers['Retry-After'] = '1'; // a daemon that restarted answers by then
        } elseif ($status === 401) {
            $headers['WWW-Authenticate'] = "Bearer realm=\"$this->realm\"" . ($token ? ', error="invalid_token"' : '');
        } elseif ($status === 429 && $decision->quota !== null) {
            ['remaining' => $left, 'reset' => $reset] = $decision->quota;
            $headers += ['Retry-After' => (string) $reset, 'RateLimit' => "\"default\";r=$left;t=$reset"];
        }
        return new Answer($decision, $status, $headers, $decision->allowed || ($this->missing_pass && $lacks));
    }
}
