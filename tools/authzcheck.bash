# SPDX-License-Identifier: Apache-2.0
# bash completion for authzcheck: subcommands, options, and folders where a folder is meant.
# What may follow is asked of the tool's own help, so that the two cannot differ.

# The words in the first column of the list of commands of `authzcheck [GROUP] --help`.
_authzcheck_commands()
{
	"${COMP_WORDS[0]:-authzcheck}" "$@" --no-color --help 2>/dev/null |
		sed -n '/^Commands:/,/^$/s/^  \(\([a-z]*\)\( [a-z]*\)\{0,1\}\)  .*/\1/p'
}

_authzcheck_options()
{
	"${COMP_WORDS[0]:-authzcheck}" "$@" --no-color --help 2>/dev/null |
		sed -n 's/^  \(-[a-z], \|    \)\(--[a-z-]*\).*/\2/p'
}

_authzcheck()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local -a words=()
	local i skip='' command=''
	COMPREPLY=()

	# The words of the subcommand so far: neither options nor their values.
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--json | -f | --follow | --no-color | --help | --version | -h | -v | --verbose | --verify | --accept-rollback | --explain | --all | --dry-run | --yes | -y | --finish-old) ;;
		--*=*) ;;
		=) skip=yes ;;
		-*) skip=yes ;;
		*)
			[[ -n $skip ]] || words+=("${COMP_WORDS[i]}")
			skip=
			;;
		esac
	done

	case $before in
	--token-file | --socket | --config | --state)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
		return
		;;
	--actor) mapfile -t COMPREPLY < <(compgen -W 'uid: key: daemon' -- "$word") && return ;;
	--mode) mapfile -t COMPREPLY < <(compgen -W 'overlap confirm immediate' -- "$word") && return ;;
	--modules)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		compopt -o filenames 2>/dev/null
		return
		;;
	--kind) mapfile -t COMPREPLY < <(compgen -W 'user service' -- "$word") && return ;;
	--api-access) mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$word") && return ;;
	--status)
		mapfile -t COMPREPLY < <(compgen -W 'active inactive expired revoked deleted' -- "$word")
		return
		;;
	--format)
		local formats='text github'
		[[ ${words[0]} == key ]] && formats='text gitleaks'
		mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$word")
		return
		;;
	esac

	case ${words[0]} in
	key | principal | store | role | tenant | policy | pepper) command="${words[0]} ${words[1]}" ;;
	*) command=${words[0]} ;;
	esac

	# The value of an option: there is nothing to propose.
	[[ -z $skip ]] || return

	if [[ $word == -* ]]; then
		# shellcheck disable=SC2086 # one or two words
		mapfile -t COMPREPLY < <(compgen -W "$(_authzcheck_options $command)" -- "$word")
	elif ((${#words[@]} == 0)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_authzcheck_commands | cut -d' ' -f1 | sort -u)" -- "$word")
	elif ((${#words[@]} == 1)) && [[ $command == *' ' ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_authzcheck_commands "${words[0]}" | cut -d' ' -f2)" -- "$word")
	elif [[ $command == 'key import' ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
	elif [[ $command == store\ * ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
	elif [[ $command == policy\ * || $command == 'key pattern' ]]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		compopt -o filenames 2>/dev/null
	fi
} && complete -F _authzcheck authzcheck
