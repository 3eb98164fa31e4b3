# SPDX-License-Identifier: Apache-2.0
# bash completion for authzcheck. The tool itself says what may follow (tools/complete.h); this asks
# it, and puts the words together that bash takes apart at = and :. The tool is the one in $PATH: a
# tab after ./authzcheck must not run a file of this folder.

_authzcheck()
{
	local typed=${2-${COMP_WORDS[COMP_CWORD]}} rest=${COMP_LINE#*"${COMP_WORDS[0]}"}
	local word candidate kept names='' i
	local -a words=()
	COMPREPLY=()

	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		# A word of the line is what stands between blanks.
		if ((${#words[@]})) && [[ $rest != [[:blank:]]* ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		rest=${rest#"${rest%%[![:blank:]]*}"}
		rest=${rest#"$word"}
	done

	# What bash has set apart stays, and must not come twice.
	[[ $typed =~ ^[=:]+$ ]] && typed=''
	kept=${words[-1]%"$typed"}
	while IFS= read -r candidate; do
		case $candidate in
		$'\tfiles') names=f ;;
		$'\tdirs') names=d ;;
		*)
			# Others chose the names, and bash reads the line again: quoted, none is a command.
			candidate=${candidate%%$'\t'*}
			printf -v candidate %q "${candidate#"$kept"}"
			COMPREPLY+=("$candidate")
			;;
		esac
	done < <(command authzcheck __complete "${words[@]}" 2>/dev/null)
	if [[ $names ]] && ((${#COMPREPLY[@]} == 0)); then
		mapfile -t COMPREPLY < <(compgen -"$names" -- "$typed")
		compopt -o filenames 2>/dev/null
	elif [[ $names ]]; then
		# Bash would quote all of them as names of files, and leave a $ in them.
		while IFS= read -r candidate; do
			[[ -d $candidate ]] && candidate+=/
			printf -v candidate %q "$candidate"
			COMPREPLY+=("$candidate")
		done < <(compgen -"$names" -- "$typed")
		[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
	fi
	# uid: is not a whole word yet.
	[[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null
	return 0
} && complete -F _authzcheck authzcheck
