#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds with Debian's packages alone: build.sh GO CLIENT SOURCE OUTPUT. SOURCE is a program that uses the
# client, or the client's folder: then its tests, which are vetted.
set -eu
go=$1 client=$(realpath "$2") source=$(realpath "$3")
mkdir -p "$(dirname "$4")"
output=$(realpath "$4")
place=$output.path
mkdir -p "$place/src/authzd.internal"
ln -sfn "$client" "$place/src/authzd.internal/authz"
export GO111MODULE=off GOPATH="$place:/usr/share/gocode" GOCACHE="${GOCACHE:-$place/cache}" GOFLAGS= CGO_ENABLED=0
if [ -d "$source" ]; then
	cd "$place/src/authzd.internal/authz"
	"$go" vet .
	exec "$go" test -c -o "$output" .
fi
exec "$go" build -o "$output" "$source"
