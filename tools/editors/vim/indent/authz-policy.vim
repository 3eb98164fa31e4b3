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

" Does the line go on with what the line before it began?
function! s:Continues(number) abort
  let above = s:Before(a:number)
  return above > 0 && (s:Bare(above) =~# ',$' || s:Bare(a:number) =~# '^\%(when\|and\|or\)\>')
endfunction

" The line from `begin` to `end` in which a condition begins; 0 if there is none.
function! s:Lead(begin, end) abort
  for number in range(a:end, a:begin, -1)
    if s:Bare(number) =~# '\%(^\|[[:blank:]]\)when\>\|^condition\>'
      return number
    endif
  endfor
endfunction

" The indentation of a line of the condition that begins in line `lead`: one level more for each '(' that is open.
function! s:InCondition(lead, before, level) abort
  let parens = 0
  for number in range(a:lead, a:before)
    let parens += count(s:Bare(number), '(') - count(s:Bare(number), ')')
  endfor
  return indent(a:lead) + shiftwidth() * (a:level + parens)
endfunction

" One level more below a '{' at the end of a line and below a comma that continues a list, which ends a level less;
" also in the lines of a condition.
function! AuthzPolicyIndent() abort
  let before = s:Before(v:lnum)
  if before == 0
    return 0
  endif
  let line = s:Bare(before)
  let begin = before
  while s:Continues(begin)
    let begin = s:Before(begin)
  endwhile
  let level = indent(begin)
  let lead = s:Lead(begin, before)
  if s:Bare(v:lnum) =~# '^when\>'
    return level + shiftwidth()
  elseif lead > 0 && s:Bare(v:lnum) =~# '^\%(and\|or\)\>'
    return s:InCondition(lead, before, 1)
  elseif lead > 0 && line =~# ',$'
    return s:InCondition(lead, before, 2)
  endif
  if line =~# ',$' || line =~# '{$'
    let level += shiftwidth()
  endif
  return s:Bare(v:lnum) =~# '^}' ? level - shiftwidth() : level
endfunction
