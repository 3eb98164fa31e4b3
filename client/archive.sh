#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes an archive of one object, in which only the names are global that the shared library exports.
# What is hidden there is local here, so that it cannot collide with a name of the program.
# usage: archive.sh OUT OBJCOPY AR IN... -- COMPILER...
set -eu

out=$1 objcopy=$2 ar=$3
shift 3
inputs=
while [ "$1" != -- ]; do
	inputs="$inputs $1"
	shift
done
shift

object=$out.o
# shellcheck disable=SC2086 # a list of meson's own relative paths
"$@" -r -nostdlib -o "$object" -Wl,--whole-archive $inputs -Wl,--no-whole-archive
"$objcopy" --localize-hidden "$object"
rm -f "$out"
"$ar" rcD "$out" "$object"
rm -f "$object"
