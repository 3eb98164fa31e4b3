" SPDX-License-Identifier: Apache-2.0
" Opens $AUTHZ_FILE, formats it with gq, and indents it from nothing, as vim -S runs it. What it sees, a line for each
" step, goes to $AUTHZ_ANSWERS as JSON.

let s:seen = {}
edit $AUTHZ_FILE
let s:seen.options = [&filetype, &commentstring, &formatprg, &shiftwidth, &expandtab]
silent! normal! gggqG
let s:seen.formatted = getline(1, '$')
let s:seen.mistakes = map(getloclist(0), '[v:val.lnum, v:val.text]')
silent %substitute/^ \+//e
silent normal! gg=G
let s:seen.indented = getline(1, '$')
call writefile([json_encode(s:seen)], $AUTHZ_ANSWERS)
qall!
