#compdef authz-http
# SPDX-License-Identifier: Apache-2.0
# zsh completion for authz-http.

_arguments '--config[the configuration]:file:_files' '--check[read the configuration, and end]' \
	'--no-confinement[for debugging: limit neither files nor system calls]' \
	'(- *)'{-h,--help}'[a help text]' '(- *)--version[the version]'
