<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

use function ceil, count, feof, fread, fwrite, getmypid, hrtime, in_array, intdiv, is_array, max, min, pack,
    str_starts_with, stream_set_timeout, strlen, substr;

/** One connection, with one request at a time. @internal */
final class Connection
{
    // Between attempts to connect, in seconds.
    private const FIRST_PAUSE = 0.005;
    private const LAST_PAUSE = 0.16;
    // Of Linux; the constants of ext-sockets would need that extension.
    private const ENOENT = 2;
    private const EAGAIN = 11;
    private const EACCES = 13;
    private const ECONNREFUSED = 111;
    private const REQUEST_MAX = 256 << 10;
    private const TAKEN_AT_ONCE = 16 << 10; // bytes; a socket's buffer is larger

    /** @var ?resource */
    private $socket = null;
    private int $process = 0;
    private int $id = 0;
    private int $left = 0; // ids, so that none is used twice
    private string $in = '';
    private bool $connected = false;
    private bool $sent = false;

    /** @param \Closure(): string $path */
    public function __construct(private readonly \Closure $path, private readonly ?int $server)
    {
    }

    public function close(): void
    {
        if ($this->socket !== null) {
            @fclose($this->socket);
        }
        $this->socket = null;
        $this->in = '';
    }

    /**
     * Sends a request, once more if the connection broke and that is safe, and returns the result; that of `authorize`
     * may be a Decision already.
     */
    public function ask(string $method, #[\SensitiveParameter] array $params, float $timeout, bool $again): mixed
    {
        $end = hrtime(true) / 1e9 + $timeout;
        for ($repeated = false;; $repeated = true) {
            $this->sent = false;
            try {
                $this->connect($end, $again);
                return $this->exchange($method, $params, $end);
            } catch (Unavailable $failed) {
                $this->close();
                if (!$failed->broken || $repeated || ($this->sent && !$again)) {
                    throw $failed;
                }
            }
        }
    }

    private function connect(float $end, bool $patient): void
    {
        // After a fork the connection is the parent's.
        // What may be sent again need not find out first that the daemon has closed the connection.
        if ($this->socket !== null && $this->process === getmypid() && $this->left > 0 && ($patient || !$this->ended())) {
            return;
        }
        $this->close();
        for ($pause = self::FIRST_PAUSE;; $pause = min(2 * $pause, self::LAST_PAUSE)) {
            $path = ($this->path)();
            $why = Trust::distrust($path, $this->server);
            if ($why !== null) {
                throw new Unavailable("the socket is not trusted, since $why; if the folder's owner is the daemon's "
                    . 'user, set AUTHZ_SERVER_USER');
            }
            $left = max(0.0, $end - hrtime(true) / 1e9);
            $socket = @stream_socket_client("unix://$path", $number, $text, max($left, 0.001));
            if ($socket !== false) {
                break;
            }
            $restarts = in_array($number, [self::ECONNREFUSED, self::EAGAIN], true)
                || ($this->connected && in_array($number, [self::ENOENT, self::EACCES], true));
            if (!$patient || !$restarts || $left <= 0) {
                throw new Unavailable("the socket cannot be connected to: $text");
            }
            usleep((int) (1e6 * min($pause, $left)));
        }
        stream_set_read_buffer($socket, 0);
        [$this->socket, $this->process, $this->connected, $this->in] = [$socket, getmypid(), true, ''];
        [$this->id, $this->left] = [random_int(0, 0xffffffff), 0xffffffff];
    }

    /** Whether the daemon closed it meanwhile, or said something that nobody asked for. */
    private function ended(): bool
    {
        $read = [$this->socket];
        $write = $except = null;
        return @stream_select($read, $write, $except, 0, 0) !== 0;
    }

    private function exchange(string $method, #[\SensitiveParameter] array $params, float $end): mixed
    {
        $id = $this->id;
        $this->id = ($id + 1) & 0xffffffff;
        $this->left--;
        $number = pack('N', $id);
        $out = "\x94\x00\xce" . $number . Wire::pack($method)
            . ($params === [] ? "\x90" : "\x91" . Wire::map($params));
        if (strlen($out) > self::REQUEST_MAX) {
            throw new AuthzError('invalid_request', 'the request is larger than 256 KiB');
        }
        $this->write($out, $end);
        $head = "\x94\x01\xce$number\xc0"; // of an answer without an error
        $this->in = $this->read($end);
        if ($method === 'authorize' && str_starts_with($this->in, $head)) {
            $decision = Decision::quick(substr($this->in, 8));
            if ($decision !== null) {
                $this->in = '';
                return self::inTime($decision, $end);
            }
        }
        while (($taken = Wire::take($this->in, $head, [1, $id, null])) === null) {
            $this->in .= $this->read($end);
        }
        return $this->result(self::inTime($taken[0], $end), $id);
    }

    private static function inTime(mixed $answer, float $end): mixed
    {
        return hrtime(true) / 1e9 <= $end ? $answer : throw new Unavailable('no answer before the deadline');
    }

    /** Sends all of it. When the connection broke, what the daemon said before it closed is still read. */
    private function write(#[\SensitiveParameter] string $out, float $end): void
    {
        // The daemon has read everything before, so this much is taken at once.
        $waits = strlen($out) > self::TAKEN_AT_ONCE;
        if ($waits) {
            stream_set_blocking($this->socket, false);
        }
        while ($out !== '') {
            $count = @fwrite($this->socket, $out);
            $this->sent = $this->sent || ($count !== false && $count > 0);
            $out = $count === false ? '' : substr($out, $count);
            if ($out !== '') {
                $this->awaitRoom($end);
            }
        }
        if ($waits) {
            stream_set_blocking($this->socket, true);
        }
    }

    private function awaitRoom(float $end): void
    {
        $read = $except = null;
        $write = [$this->socket];
        [$seconds, $micro] = self::left($end);
        if (@stream_select($read, $write, $except, $seconds, $micro) === 0) {
            throw new Unavailable('no answer before the deadline');
        }
    }

    /** Bytes that came. */
    private function read(float $end): string
    {
        do {
            stream_set_timeout($this->socket, ...self::left($end));
            $bytes = @fread($this->socket, 1 << 16);
            if (($bytes === '' || $bytes === false) && feof($this->socket)) {
                throw new Unavailable('the connection ended', true);
            }
        } while ($bytes === '' || $bytes === false);
        return $bytes;
    }

    /** @return array{int, int} seconds and microseconds until the deadline */
    private static function left(float $end): array
    {
        $micro = (int) ceil(1e6 * ($end - hrtime(true) / 1e9));
        if ($micro <= 0) {
            throw new Unavailable('no answer before the deadline');
        }
        return [intdiv($micro, 1000000), $micro % 1000000];
    }

    private function result(mixed $answer, int $id): mixed
    {
        if (!is_array($answer) || count($answer) !== 4 || $answer[0] !== 1) {
            throw new Unavailable('the answer cannot be read: it is not an answer');
        }
        [, $of, $error, $result] = $answer;
        if ($error !== null && (!$error instanceof Fields || $result !== null)) {
            throw new Unavailable('the answer cannot be read: an error beside a result');
        }
        if ($of === null && $error !== null) {
            $this->close(); // the daemon's last
        } elseif ($of !== $id || $this->in !== '') {
            throw new Unavailable('the answer cannot be read: no request asked for it');
        }
        return $error === null ? $result : throw AuthzError::of($error->plain());
    }
}
