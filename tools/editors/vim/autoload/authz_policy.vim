" SPDX-License-Identifier: Apache-2.0

" For 'formatexpr': sends the lines through 'formatprg'. Whole statements can be formatted. With a mistake in
" them the text stays as it is, and the mistakes are in the location list.
function! authz_policy#format() abort
  if mode() =~# '[iR]'
    return 0
  endif
  let lines = getline(v:lnum, v:lnum + v:count - 1)
  let messages = tempname()
  let command = &l:formatprg .. ' 2>' .. shellescape(messages)
  let output = systemlist('sh -c ' .. shellescape(command), lines)
  let failed = v:shell_error != 0
  let found = filereadable(messages) ? readfile(messages) : []
  call delete(messages)
  if failed
    call s:Report(found, v:lnum - 1)
  elseif output !=# lines
    call s:Replace(v:lnum, v:lnum + v:count - 1, output)
  endif
  return 0
endfunction

function! s:Replace(first, last, lines) abort
  let view = winsaveview()
  call append(a:last, a:lines)
  execute 'silent keepjumps' a:first .. ',' .. a:last .. 'delete _'
  call winrestview(view)
endfunction

" Messages are `-:LINE:COLUMN: error: TEXT`; `before` lines stand above the first.
function! s:Report(messages, before) abort
  let items = []
  for message in a:messages
    let found = matchlist(message, '^-:\(\d\+\):\(\d\+\): error: \(.*\)')
    if !empty(found)
      call add(items, {'bufnr': bufnr(), 'lnum': found[1] + a:before, 'col': found[2], 'text': found[3], 'type': 'E'})
    endif
  endfor
  call setloclist(0, [], ' ', {'title': &l:formatprg, 'items': items})
  echohl ErrorMsg
  echomsg empty(items) ? get(a:messages, 0, &l:formatprg .. ' failed')
    \ : printf('not formatted: line %d: %s (:lopen lists the mistakes)', items[0].lnum, items[0].text)
  echohl None
endfunction
