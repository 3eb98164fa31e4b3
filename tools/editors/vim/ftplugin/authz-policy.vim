" SPDX-License-Identifier: Apache-2.0
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1

setlocal comments=:# commentstring=#\ %s
setlocal expandtab shiftwidth=4 softtabstop=4
setlocal iskeyword+=-
" gq formats. A filter alone would put messages into the text, so the expression runs the program.
setlocal formatprg=authzcheck\ policy\ fmt\ -
setlocal formatexpr=authz_policy#format()

let b:undo_ftplugin = 'setlocal comments< commentstring< expandtab< shiftwidth< softtabstop< iskeyword<'
  \ .. ' formatprg< formatexpr<'
