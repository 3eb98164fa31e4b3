<?php

// SPDX-License-Identifier: Apache-2.0

declare(strict_types=1);

namespace Authz;

/**
 * Where the socket is, and who can have put it there. PHP cannot ask the kernel which user serves a
 * socket (SO_PEERCRED), so this client looks at the way to it before it connects: nobody may be able to
 * put a socket there, or to replace a folder on the way, but root, this process's user, the one that
 * $AUTHZ_SERVER_USER names, and the owner of the socket's folder.
 * @internal
 */
final class Trust
{
    private const SYSTEM = '/run/authz/authz.sock';
    private const PATH_MAX = 107;
    private const LINKS_MAX = 8;
    private const UNMAPPED = 65534; // the uid of every user that a namespace does not map

    private int $links = 0;

    /** @param list<int> $firm users who may own anything on the way */
    private function __construct(private readonly array $firm, private readonly int $owner)
    {
    }

    private static function variable(string $name): ?string
    {
        $own = posix_getuid() === posix_geteuid() && posix_getgid() === posix_getegid();
        $value = $own ? getenv($name, true) : false;
        return $value === false || $value === '' ? null : $value;
    }

    private static function isSocket(string $path): bool
    {
        clearstatcache(true, $path);
        return @filetype(@realpath($path) ?: $path) === 'socket';
    }

    public static function defaultSocket(): string
    {
        $path = self::variable('AUTHZ_SOCKET');
        if ($path === null && posix_geteuid() === 0) {
            $path = self::SYSTEM;
        }
        if ($path === null) {
            $folder = self::variable('XDG_RUNTIME_DIR') ?? self::variable('XDG_STATE_HOME');
            $home = self::variable('HOME');
            $path = $folder !== null ? "$folder/authz/authz.sock"
                : ($home !== null ? "$home/.local/state/authz/authz.sock" : null);
            if (($path === null || !self::isSocket($path)) && self::isSocket(self::SYSTEM)) {
                $path = self::SYSTEM;
            }
        }
        return self::checked($path ?? throw new \InvalidArgumentException('no path of a socket: set AUTHZ_SOCKET'));
    }

    /** For what manages without a token: admin.sock beside the default socket, if this process may open it. */
    public static function managingSocket(): string
    {
        $path = self::defaultSocket();
        $beside = dirname($path) . '/admin.sock';
        return self::variable('AUTHZ_SOCKET') === null && strlen($beside) <= self::PATH_MAX
            && self::isSocket($beside) && posix_access($beside, POSIX_W_OK) ? $beside : $path;
    }

    public static function checked(string $path): string
    {
        if ($path === '' || strlen($path) > self::PATH_MAX || str_contains($path, "\0")) {
            throw new \InvalidArgumentException('the path of the socket is empty or longer than '
                . self::PATH_MAX . ' bytes');
        }
        return $path;
    }

    public static function serverUser(): ?int
    {
        $name = self::variable('AUTHZ_SERVER_USER');
        if ($name === null) {
            return null;
        }
        $uid = ctype_digit($name) ? (int) $name : (posix_getpwnam($name)['uid'] ?? null);
        return $uid !== null && $uid < 0xffffffff ? $uid
            : throw new \InvalidArgumentException("AUTHZ_SERVER_USER: no user $name");
    }

    /** Why the way to a socket is not trusted; null: it is. */
    public static function distrust(string $socket, ?int $server): ?string
    {
        $folder = dirname($socket);
        $folder = str_starts_with($folder, '/') ? $folder : getcwd() . "/$folder";
        clearstatcache();
        $stat = @stat($folder);
        if ($stat === false) {
            return null; // there is no socket either: that it cannot be connected to says more
        }
        $owner = $stat['uid'] === self::UNMAPPED ? 0 : $stat['uid'];
        // The same holds for this process: what seems to be its own may be anybody's.
        $self = posix_geteuid() === self::UNMAPPED ? 0 : posix_geteuid();
        $shared = false;
        return (new self([0, $self, $server ?? 0], $owner))->way($folder, true, $shared);
    }

    private function way(string $path, bool $last, bool &$shared): ?string
    {
        $at = '';
        $names = array_values(array_filter(explode('/', $path), static fn ($name) => $name !== ''));
        $shared = false;
        for ($i = -1; $i < count($names); $i++) {
            $at = $i < 0 ? '/' : rtrim($at, '/') . '/' . $names[$i];
            $why = $this->place($at, $shared, $last && $i === count($names) - 1);
            if ($why !== null) {
                return $why;
            }
        }
        return $last && $shared ? "others can write $path, and could put a socket there" : null;
    }

    /** In a shared folder (sticky, such as /tmp) an entry is safe if its owner is; it may be a stranger's own. */
    private function place(string $path, bool &$shared, bool $last): ?string
    {
        $stat = @lstat($path);
        if ($stat === false) {
            return "the way to the socket cannot be checked at $path";
        }
        $users = $shared ? $this->firm : [...$this->firm, $this->owner];
        if (!in_array($stat['uid'], $users, true)) {
            return "$path belongs to uid {$stat['uid']}, who could replace the socket";
        }
        $kind = $stat['mode'] & 0170000;
        $shared = false;
        if ($kind === 0120000) {
            $target = @readlink($path);
            if ($target === false || ++$this->links > self::LINKS_MAX) {
                return "the way to the socket cannot be checked at $path";
            }
            return $this->way(str_starts_with($target, '/') ? $target : dirname($path) . "/$target", $last, $shared);
        }
        if ($kind !== 0040000) {
            return "the way to the socket cannot be checked at $path";
        }
        if (($stat['mode'] & 0022) !== 0) {
            if (($stat['mode'] & 01000) === 0) {
                return "others can write $path, and could replace the socket";
            }
            $shared = true;
        }
        return null;
    }
}
