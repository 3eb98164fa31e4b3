#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks that the library exports what the map and the header list, and only functions.
# usage: symbols.sh LIBRARY MAP HEADER
set -eu

library=$1 map=$2 header=$3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/library"
sed -n 's/^\t\(authz_[a-z_]*\);$/\1/p' "$map" | sort >"$tmp/map"
sed -n 's/^AUTHZ_API.*[ *]\(authz_[a-z_]*\)(.*/\1/p' "$header" | sort >"$tmp/header"

test -s "$tmp/map"
diff "$tmp/map" "$tmp/library" || { echo "authz.map and the library differ"; exit 1; }
diff "$tmp/map" "$tmp/header" || { echo "authz.map and authz.h differ"; exit 1; }
others=$(nm -D --defined-only "$library" | awk '$2 != "T" && $2 != "A" { print $3 }')
test -z "$others" || { echo "exported, but not a function: $others"; exit 1; }
