<?php
// SPDX-License-Identifier: Apache-2.0
// A front controller as PHP frameworks have them (FastRoute, Slim): the path is what parse_url makes
// of REQUEST_URI, decoded once, and each route a regular expression. See js/server.js.
$path = rawurldecode(strtok($_SERVER['REQUEST_URI'], '?'));
$method = $_SERVER['REQUEST_METHOD'] === 'HEAD' ? 'GET' : $_SERVER['REQUEST_METHOD'];
foreach (json_decode(file_get_contents(getenv('ROUTES')), true) as $route) {
    $pattern = preg_replace('/\{\w+\.\.\.\}/', '(.*)', $route['path']);
    $pattern = preg_replace('/\{\w+\}/', '([^/]+)', $pattern);
    if ($route['method'] === $method && preg_match("~^$pattern$~D", $path, $values)) {
        header('X-Raw: ' . $_SERVER['REQUEST_URI']);
        header("X-Route: {$route['method']} {$route['path']}");
        header('X-Values: ' . rawurlencode(json_encode(array_slice($values, 1), JSON_INVALID_UTF8_SUBSTITUTE)));
        return;
    }
}
http_response_code(404);
