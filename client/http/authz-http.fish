# SPDX-License-Identifier: Apache-2.0
# fish completion for authz-http.

complete -c authz-http -f
complete -c authz-http -l config -r -F -d 'the configuration'
complete -c authz-http -l check -d 'read the configuration, and end'
complete -c authz-http -l no-confinement -d 'for debugging: limit neither files nor system calls'
complete -c authz-http -s h -l help -d 'a help text'
complete -c authz-http -l version -d 'the version'
