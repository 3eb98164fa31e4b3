# SPDX-License-Identifier: Apache-2.0
# bash completion for authz-http.

_authz_http()
{
	COMPREPLY=()
	if [[ ${3-} == --config ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "${2-}")
		compopt -o filenames 2>/dev/null
	else
		mapfile -t COMPREPLY < <(compgen -W '--config --check --no-confinement --help --version' -- "${2-}")
	fi
} && complete -F _authz_http authz-http
