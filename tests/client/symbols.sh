#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks that the library, shared and static, exports what the map and the header list, and only functions.
# usage: symbols.sh LIBRARY ARCHIVE MAP HEADER
set -eu

library=$1 archive=$2 map=$3 header=$4
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/library"
sed -n 's/^\t\(authz_[a-z_]*\);$/\1/p' "$map" | sort >"$tmp/map"
sed -n 's/^AUTHZ_API.*[ *]\(authz_[a-z_]*\)(.*/\1/p' "$header" | sort >"$tmp/header"

test -s "$tmp/map"
diff "$tmp/map" "$tmp/library" || { echo "authz.map and the library differ"; exit 1; }
diff "$tmp/map" "$tmp/header" || { echo "authz.map and authz.h differ"; exit 1; }

nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | sort >"$tmp/archive"
diff "$tmp/map" "$tmp/archive" || { echo "authz.map and the archive differ"; exit 1; }
if readelf -SW "$archive" | grep -q 'gnu\.lto'; then
	echo "the archive has objects of one compiler's link-time optimization"
	exit 1
fi

others=$(nm -D --defined-only "$library" | awk '$2 != "T" && $2 != "A" { print $3 }')
test -z "$others" || { echo "exported, but not a function: $others"; exit 1; }
