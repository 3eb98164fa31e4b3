" SPDX-License-Identifier: Apache-2.0
if exists('b:did_indent')
  finish
endif
let b:did_indent = 1

setlocal autoindent nosmartindent indentexpr=AuthzPolicyIndent() indentkeys=0},!^F,o,O
let b:undo_indent = 'setlocal autoindent< smartindent< indentexpr< indentkeys<'

if exists('*AuthzPolicyIndent')
  finish
endif

" A line without its strings, parameters, comment, and spaces at its ends.
function! s:Bare(number) abort
  let line = substitute(getline(a:number), '"\%([^"\\]\|\\.\)*"\|/\@1<={[^[:blank:]{},"#]\+}', 'x', 'g')
  return trim(substitute(line, '#.*', '', ''))
endfunction

" The line before that has more than a comment; 0 if there is none.
function! s:Before(number) abort
  let number = prevnonblank(a:number - 1)
  while number > 0 && empty(s:Bare(number))
    let number = prevnonblank(number - 1)
  endwhile
  return number
endfunction

" One level more below a '{' at the end of a line and below a comma that continues a list, which ends a level less.
function! AuthzPolicyIndent() abort
  let before = s:Before(v:lnum)
  if before == 0
    return 0
  endif
  let line = s:Bare(before)
  let begin = before
  let above = s:Before(before)
  while above > 0 && s:Bare(above) =~# ',$'
    let begin = above
    let above = s:Before(above)
  endwhile
  let level = indent(begin)
  if line =~# ',$' || line =~# '{$'
    let level += shiftwidth()
  endif
  return s:Bare(v:lnum) =~# '^}' ? level - shiftwidth() : level
endfunction
