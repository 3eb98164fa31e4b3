# SPDX-License-Identifier: Apache-2.0
# fish completion for authzcheck. The tool itself says what may follow (tools/complete.h): the one in
# $PATH, since a tab after ./authzcheck must not run a file of this folder.

function __authzcheck_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    # Of --config=FILE the file alone is looked for.
    set -l kept (string match -r '^--[a-z-]+=' -- $typed)
    set -l path (string replace -r '^--[a-z-]+=' '' -- $typed)
    for line in (command authzcheck __complete $words[2..-1] "$typed" 2>/dev/null)
        switch $line
            case \tfiles
                printf "$kept%s\n" (__fish_complete_path $path)
            case \tdirs
                printf "$kept%s\n" (__fish_complete_directories $path '')
            case '*'
                echo $line
        end
    end
end

complete -c authzcheck -f -a '(__authzcheck_complete)'
