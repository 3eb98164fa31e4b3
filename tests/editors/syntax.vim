" SPDX-License-Identifier: Apache-2.0
" Prints the syntax group of each byte that is asked for, as vim -S runs it. The file $AUTHZ_ASKED has lines of
" FILE<tab>LINE<tab>COLUMN<tab>LENGTH; the answers, a group for each of these bytes, go to $AUTHZ_ANSWERS.

let s:answers = []
let s:open = ''
for s:line in readfile($AUTHZ_ASKED)
  let [s:file, s:row, s:column, s:length] = split(s:line, "\t")
  if s:file !=# s:open
    execute 'edit!' fnameescape(s:file)
    let s:open = s:file
  endif
  call add(s:answers, join(map(range(s:length), 'synIDattr(synID(s:row, s:column + v:val, 1), "name")')))
endfor
call writefile(s:answers, $AUTHZ_ANSWERS)
qall!
