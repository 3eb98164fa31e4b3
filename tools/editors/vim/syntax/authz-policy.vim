" SPDX-License-Identifier: Apache-2.0
" Policies of authzd. The rules are those of policy/language; tests/editors compares the two.
"
" A statement is a chain: each group names the groups that may follow it, so that a word is a keyword only
" where a keyword can stand.

if exists('b:current_syntax')
  finish
endif
let s:cpo = &cpo
set cpo&vim

syntax case match
" What a word is made of: everything but space, control characters and { } , " #
syntax iskeyword 33,36-43,45-122,124,126,128-255

let s:statements = 'condition environment exclusive facts limits principal role scope stack test tree'

let s:plain = '[^[:blank:]\r{},"#]'
let s:end = '[^[:blank:]\r{},#]\@!'
let s:part = '\%(' .. s:plain .. '\|"\%([^"\\]\|\\.\)*"\|/\@1<={' .. s:plain .. '\+}\)'
let s:name = '[a-z][a-z0-9_-]*'
let s:skip = ' skipwhite nextgroup='
let s:id = '[A-Za-z][A-Za-z0-9_-]*\%([.:/][A-Za-z0-9_-]\+\)*'
let s:method = '[A-Z][A-Z0-9_-]*'
let s:action = '[A-Za-z][A-Za-z0-9_./-]*'
" A statement's keyword in column 1 begins a statement, whatever is still open.
let s:next = '^\%(' .. join(split(s:statements), '\|') .. '\)' .. s:end

function! s:Names(words) abort
  return join(map(split(a:words), '"authzPolicy" .. v:val'), ',')
endfunction

function! s:Follow(next) abort
  return empty(a:next) ? '' : s:skip .. s:Names(a:next)
endfunction

" Keywords, and what may follow them.
function! s:Words(group, words, next) abort
  execute 'syntax keyword authzPolicyKeyword' .. a:group a:words 'contained' .. s:Follow(a:next)
endfunction

" A word of this form, but not the next statement's keyword.
function! s:Match(group, pattern, next, contains = '') abort
  execute 'syntax match authzPolicy' .. a:group '/\%(' .. s:next .. '\)\@!' .. escape(a:pattern, '/') .. '/ contained'
    \ (empty(a:contains) ? '' : 'contains=' .. s:Names(a:contains)) .. s:Follow(a:next)
endfunction

function! s:Word(group, form, next) abort
  call s:Match(a:group, a:form .. s:end, a:next)
endfunction

" The comma of a list, which goes on after line ends and comments.
function! s:List(group, next) abort
  call s:Match(a:group .. 'Comma', ',\%(\_[[:blank:]\r]*#.*\)*\_[[:blank:]\r]*', a:next, 'Comment')
endfunction

function! s:String(group, next) abort
  execute 'syntax region authzPolicy' .. a:group .. 'String start=/"/ skip=/\\./ end=/"/ end=/$/ contained'
    \ 'contains=authzPolicyEscape,authzPolicyError,@Spell' .. s:Follow(a:next)
endfunction

function! s:Block(group, contains, next = '') abort
  execute 'syntax region authzPolicy' .. a:group 'matchgroup=authzPolicyBrace start=/{/ end=/}/ end=/' .. s:next
    \ .. '/me=s-1 contained contains=authzPolicyComment,authzPolicyCommentError,' .. s:Names(a:contains)
    \ .. s:Follow(a:next)
endfunction

" Comments, strings and paths
syntax match authzPolicyCommentError /#.*/
syntax match authzPolicyComment /[^[:blank:]\r{},]\@1<!#.*/ contains=authzPolicyTodo,@Spell
syntax keyword authzPolicyTodo TODO FIXME XXX contained
syntax match authzPolicyError /\\/ contained
syntax match authzPolicyEscape /\\["\\n]/ contained
call s:String('', '')
call s:Match('Comma', ',', '')
call s:Match('BadParameter', '{[^}]*}\?', '')
call s:Match('Parameter', '/\@1<={[A-Za-z_][A-Za-z0-9_-]*\%(\.\.\.\)\?}\ze\%([/{},[:blank:]\r]\|$\)', '')
call s:Match('Wildcard', '/\@1<=\*\*\?\ze\%([/{},[:blank:]\r]\|$\)', '')
call s:Match('TreeOfPath', s:name .. ':', '')
let s:in_path = 'String BadParameter Parameter Wildcard'

" environment
syntax keyword authzPolicyKeywordEnvironment environment skipwhite nextgroup=authzPolicyEnvironmentName
call s:Word('EnvironmentName', s:name, 'EnvironmentString KeywordPrefix')
call s:String('Environment', 'KeywordPrefix')
call s:Words('Prefix', 'prefix', 'Value')

" tree
syntax keyword authzPolicyKeywordTree tree skipwhite nextgroup=authzPolicyTreeName
call s:Word('TreeName', s:name, 'TreeString Tree')
call s:String('Tree', 'Tree')
let s:entries = 'Comma String Path Action Method Node'
call s:Block('Tree', 'KeywordSetting ' .. s:entries)
call s:Block('Node', s:entries)
call s:Words('Setting', 'strict_slash', 'KeywordAnswer')
call s:Words('Answer', 'yes no', '')
call s:Match('Path', '/' .. s:part .. '*', '', s:in_path)
call s:Word('Action', s:action, '')
call s:Word('Method', s:method, '')

" role, scope
syntax keyword authzPolicyKeywordRole role skipwhite nextgroup=authzPolicyRoleName
syntax keyword authzPolicyKeywordScope scope skipwhite nextgroup=authzPolicyScopeName
call s:Word('RoleName', s:id, 'RoleString KeywordInherits Grants')
call s:Word('ScopeName', s:id, 'ScopeString KeywordIncludes Grants')
call s:String('Role', 'KeywordInherits Grants')
call s:String('Scope', 'KeywordIncludes Grants')
call s:Words('Inherits', 'inherits', 'Parent')
call s:Words('Includes', 'includes', 'Parent')
call s:Word('Parent', s:id, 'ParentComma Grants')
call s:List('Parent', 'Parent')
call s:Block('Grants', 'KeywordEffect KeywordWhen KeywordJoint')
call s:Words('Effect', 'allow deny', 'KeywordAll GrantAction GrantMethod')
call s:Words('All', 'all', 'KeywordOn')
call s:Word('GrantAction', s:action, 'GrantComma KeywordOn')
call s:Word('GrantMethod', s:method, 'GrantComma KeywordOn')
call s:List('Grant', 'GrantAction GrantMethod')
call s:Words('On', 'on', 'Pattern')
call s:Match('Pattern', s:name .. ':/' .. s:part .. '*', 'PatternComma Suffixes KeywordExcept', 'TreeOfPath ' .. s:in_path)
call s:List('Pattern', 'Pattern')
call s:Block('Suffixes', 'Comma Path Suffixes', 'PatternComma KeywordExcept')
call s:Words('Except', 'except', 'KeywordAll GrantAction GrantMethod Pattern')

" condition, when: a line may end nearly everywhere, with a comment or without.
let s:skip = ' skipwhite skipnl skipempty nextgroup='
let s:operand = ' ConditionWord ConditionString ConditionParameter'
let s:predicate = 'ConditionGap KeywordNot ConditionOpen' .. s:operand
let s:comparison = 'ConditionGapAfter KeywordIs KeywordIn KeywordNotIn KeywordHas ConditionOrder KeywordJoint'
  \ .. ' ConditionClose ConditionComma'
let s:gap = '\%(#.*\_[[:blank:]\r]*\)\+'
let s:condition_end = '[^[:blank:]\r{},"#()<>=]\@!'
function! s:ConditionWords(group, words, next) abort
  call s:Match('Keyword' .. a:group, '[^[:blank:]\r{},()<>=]\@1<!\%(' .. substitute(a:words, ' ', '\\|', 'g') .. '\)'
    \ .. s:condition_end, a:next)
endfunction
syntax keyword authzPolicyKeywordCondition condition skipwhite nextgroup=authzPolicyConditionName
call s:Word('ConditionName', s:name, 'ConditionEquals')
call s:Match('ConditionGap', s:gap, s:predicate, 'Comment')
call s:Match('ConditionGapAfter', s:gap, s:comparison, 'Comment')
call s:Match('ConditionEquals', '=', s:predicate)
call s:Match('ConditionOpen', '(', s:predicate)
call s:Match('ConditionClose', ')', s:comparison)
call s:Match('ConditionOrder', '[<>]=\?', s:operand)
call s:Match('ConditionWord', '[^[:blank:]\r{},"#()<>=]\+', s:comparison)
call s:Match('ConditionParameter', '{\s*[A-Za-z_][A-Za-z0-9_-]*\s*}', s:comparison)
call s:String('Condition', s:comparison)
call s:List('Condition', s:operand)
call s:ConditionWords('When', 'when', s:predicate)
call s:ConditionWords('Not', 'not', s:predicate)
call s:ConditionWords('Joint', 'and or', s:predicate)
call s:ConditionWords('Is', 'is', 'KeywordIsNot' .. s:operand)
call s:ConditionWords('IsNot', 'not', s:operand)
call s:ConditionWords('In', 'in', s:operand)
call s:ConditionWords('NotIn', 'not', 'KeywordIn')
call s:ConditionWords('Has', 'has', 'KeywordQuantity' .. s:operand)
call s:ConditionWords('Quantity', 'any all', s:operand)
let s:skip = ' skipwhite nextgroup='

" facts, attribute, given
syntax keyword authzPolicyKeywordFacts facts skipwhite nextgroup=authzPolicyFacts
call s:Block('Facts', 'Fact')
call s:Word('Fact', '[a-z]\+\.[A-Za-z0-9_.-]\+', 'FactType')
call s:Word('FactType', s:plain .. '\+', 'FactBar KeywordDefault')
call s:Word('FactBar', '|', 'FactType')
call s:Words('Default', 'default', 'FactValue FactString')
call s:Words('Attribute', 'attribute', 'FactName')
call s:Words('Given', 'given', 'FactValue')
call s:Word('FactName', '[A-Za-z0-9_.-]\+', 'FactValue FactString')
call s:Word('FactValue', s:plain .. '\+', 'FactComma FactValue FactString')
call s:String('Fact', 'FactComma')
call s:List('Fact', 'FactValue FactString')

" principal; `role` and what follows is in tests, too
syntax keyword authzPolicyKeywordPrincipal principal skipwhite nextgroup=authzPolicyPrincipalName
call s:Word('PrincipalName', s:plain .. '\+', 'PrincipalString Principal')
call s:String('Principal', 'Principal')
call s:Block('Principal', 'KeywordPeer KeywordHeld KeywordAttribute')
call s:Words('Peer', 'peer', 'KeywordPeerKind')
call s:Words('PeerKind', 'user group', 'Value')
call s:Words('Held', 'role', 'Held')
call s:Word('Held', s:id, 'HeldComma KeywordAt KeywordUntil')
call s:List('Held', 'Held')
call s:Words('At', 'at', 'Place PlaceString')
call s:Match('Place', s:name .. ':' .. s:part .. '*', 'PlaceComma KeywordUntil', 'TreeOfPath String')
call s:String('Place', 'PlaceComma KeywordUntil')
call s:List('Place', 'Place PlaceString')
call s:Words('Until', 'until', 'Value')
call s:Word('Value', s:plain .. '\+', '')

" exclusive
syntax keyword authzPolicyKeywordExclusive exclusive skipwhite nextgroup=authzPolicyId
call s:Word('Id', s:id, 'IdComma')
call s:List('Id', 'Id')

" limits
syntax keyword authzPolicyKeywordLimits limits skipwhite nextgroup=authzPolicyLimits
call s:Block('Limits', 'Limit')
call s:Word('Limit', s:name, 'Value Number')
call s:Word('Number', '[0-9]\+[smhd]\?', '')

" stack
syntax keyword authzPolicyKeywordStack stack skipwhite nextgroup=authzPolicyStackName
call s:Word('StackName', s:name, 'Stack')
call s:Block('Stack', 'KeywordGroup')
call s:Words('Group', 'authenticate account authorize record', 'KeywordControl')
call s:Words('Control', 'required requisite sufficient optional include substack', 'Module')
call s:Word('Module', s:name, 'Argument ArgumentString')
call s:Match('Argument', s:part .. '\+', 'ArgumentComma Argument ArgumentString', 'ArgumentName ArgumentNumber String')
call s:Match('ArgumentName', '[[:blank:]]\@1<=' .. s:name .. '=', '')
call s:Word('ArgumentNumber', '[[:blank:],=]\@1<=[0-9]\+[smhd]\?', '')
call s:String('Argument', 'ArgumentComma Argument ArgumentString')
call s:List('Argument', 'Argument ArgumentString')

" test
syntax keyword authzPolicyKeywordTest test skipwhite nextgroup=authzPolicyTestString
call s:String('Test', 'Test')
call s:Block('Test', 'KeywordExpect KeywordGiven KeywordAs KeywordAnd KeywordWith KeywordKey KeywordRequest KeywordMfa')
call s:Words('Expect', 'allow deny', 'ExpectAction ExpectMethod')
call s:Word('ExpectAction', s:action, 'ExpectComma Resource ResourceString')
call s:Word('ExpectMethod', s:method, 'ExpectComma Resource ResourceString')
call s:List('Expect', 'ExpectAction ExpectMethod')
call s:Match('Resource', s:name .. ':' .. s:part .. '*', 'ResourceComma KeywordBecause', 'TreeOfPath String')
call s:String('Resource', 'ResourceComma KeywordBecause')
call s:List('Resource', 'Resource ResourceString')
call s:Words('Because', 'because', 'Value')
call s:Words('As', 'as', 'KeywordHeld KeywordAsPrincipal KeywordNobody')
call s:Words('And', 'and anyone everyone', 'KeywordHeld')
call s:Words('AsPrincipal', 'principal', 'Value')
call s:Words('Nobody', 'nobody', '')
call s:Words('With', 'with', 'KeywordWithScope')
call s:Words('WithScope', 'scope', 'Id')
call s:Words('Key', 'key', 'KeywordAt KeywordState')
call s:Words('State', 'active inactive expired revoked missing unknown', '')
call s:Words('Request', 'environment service from time peer', 'Value')
call s:Words('Mfa', 'mfa', '')

execute 'syntax sync match authzPolicySync grouphere NONE /' .. s:next .. '/'

function! s:Link(to, groups) abort
  for group in split(a:groups)
    execute 'highlight default link authzPolicy' .. group a:to
  endfor
endfunction

call s:Link('Comment', 'Comment')
call s:Link('Todo', 'Todo')
call s:Link('Error', 'CommentError Error BadParameter')
call s:Link('SpecialChar', 'Escape')
call s:Link('String', 'String EnvironmentString TreeString RoleString ScopeString PrincipalString PlaceString'
  \ .. ' ArgumentString TestString ResourceString ConditionString FactString')
call s:Link('Statement', 'KeywordEnvironment KeywordTree KeywordRole KeywordScope KeywordPrincipal KeywordExclusive'
  \ .. ' KeywordLimits KeywordStack KeywordFacts KeywordCondition KeywordTest KeywordEffect KeywordExpect')
call s:Link('Keyword', 'KeywordPrefix KeywordSetting KeywordInherits KeywordIncludes KeywordOn KeywordExcept KeywordPeer'
  \ .. ' KeywordPeerKind KeywordHeld KeywordAt KeywordUntil KeywordGroup KeywordBecause KeywordAs KeywordAnd'
  \ .. ' KeywordWhen KeywordNot KeywordJoint KeywordIs KeywordIsNot KeywordIn KeywordNotIn KeywordHas KeywordQuantity'
  \ .. ' KeywordDefault KeywordAttribute KeywordGiven KeywordAsPrincipal KeywordWith KeywordWithScope KeywordKey'
  \ .. ' KeywordRequest KeywordMfa')
call s:Link('Conditional', 'KeywordControl')
call s:Link('Boolean', 'KeywordAnswer KeywordAll KeywordNobody KeywordState')
call s:Link('Function', 'Action GrantAction ExpectAction Module')
call s:Link('Constant', 'Method GrantMethod ExpectMethod Value FactValue')
call s:Link('Operator', 'ConditionEquals ConditionOrder FactBar')
call s:Link('Number', 'Number ArgumentNumber')
call s:Link('Identifier', 'RoleName ScopeName EnvironmentName PrincipalName StackName TreeName Parent Held Id Limit ArgumentName'
  \ .. ' ConditionName ConditionWord Fact FactName')
call s:Link('Type', 'TreeOfPath FactType')
call s:Link('Special', 'Path Pattern Place Resource Argument')
call s:Link('PreProc', 'Parameter Wildcard ConditionParameter')
call s:Link('Delimiter', 'Brace Comma ParentComma GrantComma PatternComma HeldComma PlaceComma IdComma ArgumentComma'
  \ .. ' ExpectComma ResourceComma ConditionComma FactComma ConditionOpen ConditionClose')

for s:function in ['Names', 'Follow', 'Words', 'Match', 'Word', 'ConditionWords', 'List', 'String', 'Block', 'Link']
  execute 'delfunction s:' .. s:function
endfor
unlet s:function s:statements s:plain s:end s:part s:name s:id s:method s:action s:next s:in_path s:entries
  \ s:skip s:operand s:predicate s:comparison
  \ s:gap s:condition_end

let b:current_syntax = 'authz-policy'
let &cpo = s:cpo
unlet s:cpo
