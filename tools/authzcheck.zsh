#compdef authzcheck
# SPDX-License-Identifier: Apache-2.0
# zsh completion for authzcheck. The tool itself says what may follow (tools/complete.h): the one in
# $PATH, since a tab after ./authzcheck must not run a file of this folder.

local line value names
local -a candidates values
local tab=$'\t'

for line in "${(@f)$(_call_program candidates command authzcheck __complete "${(@q)words[2,CURRENT]}")}"; do
	case $line in
	${tab}files | ${tab}dirs)
		names=$line
		;;
	'') ;;
	*)
		value=${line%%$tab*}
		if [[ $line == *$tab* ]]; then
			candidates+=("${value//:/\\:}:${line#*$tab}")
		else
			candidates+=("${value//:/\\:}")
		fi
		;;
	esac
done
_describe -V 'authzcheck' candidates
if [[ -n $names ]]; then
	# Of --config=FILE the file alone.
	[[ ${words[CURRENT]} == --*=* ]] && compset -P '*='
	if [[ $names == ${tab}files ]]; then _files; else _files -/; fi
fi
