# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the examples share: each one's `run [PORT]` reads this file, calls start_authzd, or start_loans or start_reports
# that call it, starts its server, and ends with try_it, which prints three commands to try. Everything is in a temporary
# folder; Ctrl-C ends it all and removes the folder. Needs curl and a build: BUILD, by default build in the project's
# folder.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=${BUILD:-$root/build}
port=${1:-8000}
site=http://127.0.0.1:$port
folder=$(mktemp -d)
started=
export AUTHZ_SOCKET="$folder/authz.sock" CLIENT="$root/client"
PATH=$build/daemon:$build/tools:$build/client/http:/usr/sbin:$PATH

finish() {
	for pid in $started; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$folder"
}
trap finish EXIT
trap 'exit 0' INT TERM

# Starts a program in the background, which ends with the example: start NAME COMMAND...
start() {
	log=$folder/$1.log
	shift
	"$@" >>"$log" 2>&1 &
	started="$! $started"
}

# Waits until a command succeeds, as long as what was started last runs: wait_for COMMAND...
wait_for() {
	until "$@" >/dev/null 2>&1; do
		if ! kill -0 "${started%% *}" 2>/dev/null; then
			cat "$log" >&2
			exit 1
		fi
		sleep 0.05
	done
}

# Ends it with what is missing: need FILE HOW
need() {
	[ -e "$1" ] || {
		echo "$0: $1 is missing: $2" >&2
		exit 1
	}
}

# The daemon with the policy of a folder, and a key of a principal with a role, in $key: start_authzd POLICY ROLE
start_authzd() {
	command -v authzd >/dev/null ||
		need "$build/daemon/authzd" "meson setup build && ninja -C build, or BUILD names another build"
	start authzd authzd --policy "$1" --state "$folder" --socket "$AUTHZ_SOCKET"
	wait_for authzcheck status
	authzcheck principal create ann >/dev/null
	authzcheck assign ann "$2" >/dev/null
	key=$(authzcheck key create --principal ann)
}

# For an application: the policy of loans/.
start_loans() {
	start_authzd "$root/tools/examples/loans" viewer
}

# For a web server before a site: the example's own policy, and authz-http at $folder/http.sock:
# start_reports FAMILY [LINE], a line more of its configuration.
start_reports() {
	start_authzd "$here/policy" reader
	cat >"$folder/authz-http.conf" <<-CONF
		authz $AUTHZ_SOCKET
		listen $folder/http.sock 0600
		family $1
		${2:-}
	CONF
	start authz-http authz-http --config "$folder/authz-http.conf"
	wait_for test -S "$folder/http.sock"
}

# Starts the server of PORT, and waits until it answers: serve COMMAND...
serve() {
	start app "$@"
	wait_for curl -s "$site/"
}

try_loans() {
	try_it "/loans/7              # 200" "-X DELETE" "/loans/7    # 403: a viewer deletes nothing" \
		"/loans/7    # 401: no key"
}

try_reports() {
	try_it "/reports/q1.txt    # 200" "" "/drafts/q2.txt     # 403: a reader reads no drafts" \
		"/reports/q1.txt    # 401: no key"
}

# try_it ALLOWED OPTION DENIED KEYLESS: paths, and what they are answered with.
try_it() {
	echo "Try:"
	echo
	echo "    curl -H 'Authorization: Bearer $key' $site$1"
	echo "    curl ${2:+$2 }-H 'Authorization: Bearer $key' $site$3"
	echo "    curl $site$4"
	echo
	echo "Ctrl-C ends it."
	wait "${started%% *}"
}
