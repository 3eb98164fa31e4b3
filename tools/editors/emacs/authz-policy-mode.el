;;; authz-policy-mode.el --- Policies of authzd  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0
;; Version: 0.1.0
;; Package-Requires: ((emacs "26.1"))
;; Keywords: languages

;;; Commentary:

;; Colours, indentation and formatting of *.policy files, and the language server for Eglot.  The
;; rules are those of policy/language; tests/editors compares the two.

;;; Code:

(require 'subr-x)

(defgroup authz-policy nil
  "Policies of authzd."
  :group 'languages)

(defcustom authz-policy-program "authzcheck"
  "The program authzcheck: a name that the variable `exec-path' has, or a path."
  :type 'string
  :risky t)

(defcustom authz-policy-indent-offset 4
  "Columns of one level."
  :type 'integer
  :safe #'integerp)

;;; Syntax

(defvar authz-policy-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?\\ "\\" table)
    (modify-syntax-entry ?{ "(}" table)
    (modify-syntax-entry ?} "){" table)
    (dolist (char (append "_-.:/*=$%&+<>?@|~!;'^`()[]" nil))
      (modify-syntax-entry char "_" table))
    table))

;; A string ends on its line: the quote of one that does not is no quote.
(defconst authz-policy--syntax-propertize
  (syntax-propertize-rules
   ("\\(\"\\)\\(?:[^\"\\\n]\\|\\\\.\\)*\\(\"\\)?"
    (1 (unless (match-end 2) (string-to-syntax "."))))))

;;; Grammar

(defconst authz-policy-statements
  '("condition" "environment" "exclusive" "facts" "limits" "principal" "role" "scope" "stack" "test"
    "tree")
  "What a statement begins with.")

(defconst authz-policy--next
  (concat "^" (regexp-opt authz-policy-statements t) "\\(?:[ \t\r{},#]\\|$\\)")
  "A statement's keyword in column 1, which begins a statement in any state.")

(defconst authz-policy--forms
  '((name . "[a-z][a-z0-9_-]*")
    (id . "[A-Za-z][A-Za-z0-9_-]*\\(?:[.:/][A-Za-z0-9_-]+\\)*")
    (method . "[A-Z][A-Z0-9_-]*")
    (action . "[A-Za-z][A-Za-z0-9_./-]*")
    (number . "[0-9]+[smhd]?")
    (path . "/.*")
    (pattern . "[a-z][a-z0-9_-]*:/.*")
    (place . "[a-z][a-z0-9_-]*:.*")
    (fact . "[a-z]+\\.[A-Za-z0-9_.-]+")
    (word . ".+"))
  "The forms of words, each as a regular expression for a whole word.")

(defconst authz-policy-grammar
  '((top (("environment") keyword environment-name) (("tree") keyword tree-name)
         (("role") keyword role-name) (("scope") keyword scope-name)
         (("principal") keyword principal-name) (("exclusive") keyword ids)
         (("limits") keyword limits-block) (("stack") keyword stack-name)
         (("facts") keyword facts-block) (("condition") keyword condition-name)
         (("test") keyword test-name))
    (value (word value end))
    ;; environment
    (environment-name (name name environment))
    (environment (string nil environment) (("prefix") keyword value))
    ;; tree
    (tree-name (name name tree-block))
    (tree-block (string nil tree-block) (open tree end))
    (tree (("strict_slash") keyword answer) (comma nil tree) (string nil tree) (path path tree)
          (method method tree) (action action tree) (open node tree))
    (node (comma nil node) (string nil node) (path path node) (method method node)
          (action action node) (open node node))
    (answer (("yes" "no") constant tree))
    ;; role, scope
    (role-name (id name role))
    (role (string nil role) (("inherits") keyword parents) (open grants end))
    (scope-name (id name scope))
    (scope (string nil scope) (("includes") keyword parents) (open grants end))
    (parents (id name parents-more))
    (parents-more (comma nil parents) (open grants end))
    (grants (("allow" "deny") keyword grant) (("when") keyword predicate))
    (grant (("all") constant on) (method method grant-more) (action action grant-more))
    (grant-more (comma nil grant-verb) (("on") keyword patterns) (("when") keyword predicate))
    (grant-verb (method method grant-more) (action action grant-more))
    (on (("on") keyword patterns) (("when") keyword predicate))
    (patterns (pattern path patterns-more))
    (patterns-more (comma nil patterns) (open suffixes patterns-more) (("except") keyword except)
                   (("when") keyword predicate))
    (suffixes (comma nil suffixes) (path path suffixes) (open suffixes suffixes))
    (except (pattern path patterns-more) (("all") constant on) (method method grant-more)
            (action action grant-more))
    ;; condition
    (condition-name (name name equals))
    (equals (("=") operator predicate))
    (predicate (("not") keyword predicate) (("(") operator predicate) (string nil comparison)
               (open parameter comparison) (word name comparison))
    (parameter (word value parameter))
    (comparison (("is") keyword is) (("in") keyword operand) (("not") keyword not-in)
                (("has") keyword has) (("<" "<=" ">" ">=") operator operand)
                (("and" "or") keyword predicate) ((")") operator comparison) (comma nil operand))
    (operand (string nil comparison) (open parameter comparison) (word name comparison))
    (is (("not") keyword operand) (string nil comparison) (open parameter comparison)
        (word name comparison))
    (not-in (("in") keyword operand))
    (has (("any" "all") keyword operand) (string nil comparison) (open parameter comparison)
         (word name comparison))
    ;; facts
    (facts-block (open facts end))
    (facts (fact name fact-type))
    (fact-type (word value fact-more))
    (fact-more (("|") operator fact-type) (("default") keyword values))
    (values (string nil values-more) (word value values-more))
    (values-more (comma nil values))
    (attribute-name (word name values))
    (given (comma nil given) (string nil given) (fact name given) (word value given))
    ;; principal
    (principal-name (word name principal-block))
    (principal-block (string nil principal-block) (open principal end))
    (principal (("peer") keyword peer-kind) (("role") keyword held)
               (("attribute") keyword attribute-name))
    (peer-kind (("user" "group") keyword value))
    (held (id name held-more))
    (held-more (comma nil held) (("at") keyword places) (("until") keyword value))
    (places (place place places-more) (string nil places-more))
    (places-more (comma nil places) (("until") keyword value))
    ;; exclusive
    (ids (id name ids-more))
    (ids-more (comma nil ids))
    ;; limits
    (limits-block (open limits end))
    (limits (name name value))
    ;; stack
    (stack-name (name name stack-block))
    (stack-block (open stack end))
    (stack (("authenticate" "account" "authorize" "record") keyword control))
    (control (("required" "requisite" "sufficient" "optional" "include" "substack") constant module))
    (module (name action arguments))
    (arguments (comma nil arguments) (string nil arguments) (number value arguments)
               (word value arguments))
    ;; test
    (test-name (string nil test-block))
    (test-block (open test end))
    (test (("allow" "deny") keyword expect) (("given") keyword given) (("as") keyword subject)
          (("and" "anyone" "everyone") keyword role-held)
          (("with") keyword with-scope) (("key") keyword key) (("mfa") keyword end)
          (("environment" "service" "from" "time" "peer") keyword value))
    (expect (method method expect-more) (action action expect-more))
    (expect-more (comma nil expect) (place place resources-more) (string nil resources-more))
    (resources (place place resources-more) (string nil resources-more))
    (resources-more (comma nil resources) (("because") keyword value))
    (subject (("role") keyword held) (("principal") keyword value) (("nobody") constant end))
    (role-held (("role") keyword held))
    (with-scope (("scope") keyword ids))
    (key (("at") keyword places)
         (("active" "inactive" "expired" "revoked" "missing" "unknown") constant end))
    (end))
  "What may follow in each state: (WHAT KIND NEXT)...
WHAT is a list of keywords, a form of `authz-policy--forms', or a token.
KIND chooses the face.  NEXT is the state after it.  For `open' KIND is the
state in the block, and NEXT that after the block.")

(defconst authz-policy--condition
  '(equals predicate comparison operand is not-in has)
  "The states in which operators end words.")

(defconst authz-policy--faces
  '((keyword . font-lock-keyword-face) (constant . font-lock-builtin-face)
    (name . font-lock-variable-name-face) (action . font-lock-function-name-face)
    (method . font-lock-constant-face) (path . font-lock-type-face) (place . font-lock-type-face)
    (value . font-lock-constant-face) (operator . font-lock-negation-char-face)))

(defun authz-policy--token (limit state)
  "Move over spaces and then over a token of STATE that begins before LIMIT.
Return (KIND . BEGIN), or nil when there is none.  KIND is newline, comma,
open, close, comment, string or word."
  (skip-chars-forward " \t\r" limit)
  (let ((begin (point)) (char (char-after)))
    (cond
     ((or (null char) (>= begin limit)) nil)
     ((eq char ?\n) (forward-char) (cons 'newline begin))
     ((eq char ?,) (forward-char) (cons 'comma begin))
     ((eq char ?{) (forward-char) (cons 'open begin))
     ((eq char ?}) (forward-char) (cons 'close begin))
     ((eq char ?#) (end-of-line) (cons 'comment begin))
     ((if (memq state authz-policy--condition)
          (looking-at "[()]\\|[<>=!&|]+")
        (looking-at "when(")) ; the word, without the parenthesis
      (goto-char (if (eq char ?w) (1- (match-end 0)) (match-end 0)))
      (cons 'word begin))
     (t (cons (authz-policy--word (memq state authz-policy--condition)) begin)))))

(defun authz-policy--word (condition)
  "Move over a word or a string.  Return which it is.
In a CONDITION operators end the word."
  (let ((begin (point)) (kind 'string) (more t)
        (plain (if condition "[^ \t\r\n{},\"#()<>=!&|]+" "[^ \t\r\n{},\"#]+")))
    (while more
      (cond
       ((looking-at "\"\\(?:[^\"\\\n]\\|\\\\.\\)*\"?")
        (unless (= (point) begin) (setq kind 'word)))
       ((or (looking-at plain)
            (and (eq (char-before) ?/) (looking-at "{[^ \t\r\n{},\"#]+}")))
        (setq kind 'word))
       (t (setq more nil)))
      (when more (goto-char (match-end 0))))
    (when (= (point) begin) (forward-char) (setq kind 'word))
    kind))

(defun authz-policy--follow (state kind text)
  "The entry of STATE that a token of KIND with that TEXT takes, or nil."
  (let ((entries (cdr (assq state authz-policy-grammar))) (case-fold-search nil) found)
    (while (and entries (not found))
      (let* ((what (caar entries)) (form (cdr (assq what authz-policy--forms))))
        (when (cond ((consp what) (and (eq kind 'word) (member text what)))
                    (form (and (eq kind 'word) (string-match-p (concat "\\`\\(?:" form "\\)\\'") text)))
                    (t (eq what kind)))
          (setq found (car entries))))
      (setq entries (cdr entries)))
    found))

(defun authz-policy--paint-path (begin end)
  "Show the parameters and wildcards of the path between BEGIN and END."
  (save-excursion
    (goto-char begin)
    (while (re-search-forward "/\\({[A-Za-z_][A-Za-z0-9_-]*\\(?:\\.\\.\\.\\)?}\\|\\(\\*\\*?\\)\\(?:/\\|\\'\\)\\)"
                              end t)
      (if (match-beginning 2)
          (progn (put-text-property (match-beginning 2) (match-end 2) 'face 'font-lock-preprocessor-face)
                 (goto-char (match-end 2)))
        (put-text-property (match-beginning 1) (match-end 1) 'face 'font-lock-variable-name-face)))))

(defun authz-policy--paint (kind begin end)
  "Show a word of KIND between BEGIN and END.  Strings in it stay."
  (when (eq kind 'path)
    (save-restriction
      (narrow-to-region begin end)
      (authz-policy--paint-path begin end)))
  (font-lock-fillin-text-property begin end 'face (cdr (assq kind authz-policy--faces))))

(defun authz-policy--goes-on (state parens)
  "Non-nil if the condition in STATE goes on after the line end at point.
PARENS is the number of its open parentheses."
  (and (memq state authz-policy--condition)
       (or (not (eq state 'comparison))
           (> parens 0)
           (let ((case-fold-search nil))
             (looking-at "\\(?:[ \t\r\n]\\|#.*\n\\)*\\(?:and\\|or\\)\\(?:[ \t\r\n{\"(#]\\)")))))

(defun authz-policy--fontify (limit)
  "Show the words between point and LIMIT.
Their statement is read from its beginning.  Return nil, so that font-lock asks
once."
  (let ((from (point)) (block 'top) (state 'top) (parens 0) stack list token)
    (beginning-of-line)
    (unless (let ((case-fold-search nil)) (looking-at authz-policy--next))
      (let ((case-fold-search nil)) (re-search-backward authz-policy--next nil 'move)))
    (while (setq token (authz-policy--token limit state))
      (let* ((kind (car token)) (begin (cdr token)) entry)
        (when (and (eq kind 'word)
                   (save-excursion
                     (goto-char begin)
                     (let ((case-fold-search nil)) (looking-at authz-policy--next))))
          (setq stack nil block 'top state 'top parens 0))
        (pcase kind
          ('newline (unless (or list (authz-policy--goes-on state parens))
                      (setq state block parens 0)))
          ('comment nil)
          ('close (pcase (pop stack)
                    (`(,outer . ,after) (setq block outer state after))
                    (_ (setq block 'top state 'end))))
          (_ (setq entry (authz-policy--follow
                          state kind (buffer-substring-no-properties begin (point))))
             (cond
              ((null entry) (setq state 'end))
              ((eq kind 'open)
               (push (cons block (nth 2 entry)) stack)
               (setq block (nth 1 entry) state block))
              (t (when (and (eq kind 'word) (> (point) from))
                   (authz-policy--paint (nth 1 entry) begin (point)))
                 (when (eq (nth 1 entry) 'operator)
                   (setq parens (pcase (char-before) (?\( (1+ parens)) (?\) (1- parens)) (_ parens))))
                 (setq state (nth 2 entry))))))
        ;; After a comma a list continues on the next line.
        (unless (memq kind '(newline comment))
          (setq list (eq kind 'comma)))))
    nil))

(defconst authz-policy--font-lock '((authz-policy--fontify)))

;;; Indentation

(defun authz-policy--bare-line ()
  "The line at point without strings, parameters, comment and outer spaces."
  (let ((line (buffer-substring-no-properties (line-beginning-position) (line-end-position))))
    (setq line (replace-regexp-in-string "\"\\(?:[^\"\\]\\|\\\\.\\)*\"\\|/{[^ \t{},\"#]+}" "x" line))
    (string-trim (replace-regexp-in-string "#.*" "" line))))

(defun authz-policy--line-before ()
  "Move to the line before that has more than a comment.
Return it, or nil if there is none."
  (let (found)
    (while (and (not found) (zerop (forward-line -1)))
      (let ((line (authz-policy--bare-line)))
        (unless (string-empty-p line) (setq found line))))
    found))

(defun authz-policy--continues ()
  "Non-nil if the line at point goes on with what the line before it began."
  (or (string-match-p "\\`\\(?:when\\|and\\|or\\)\\_>" (authz-policy--bare-line))
      (save-excursion (string-suffix-p "," (or (authz-policy--line-before) "")))))

(defun authz-policy--count (char text)
  "How often CHAR is in TEXT."
  (- (length text) (length (delq char (append text nil)))))

(defun authz-policy--in-condition ()
  "The condition that the line at point is in.
Return (COLUMN . PARENS), where it begins and how many of its parentheses are
open, or nil if there is none.  Move to the beginning of the statement."
  (let ((parens 0) found more)
    (while (let ((line (authz-policy--bare-line)))
             (unless found
               (setq parens (+ parens (- (authz-policy--count ?\( line) (authz-policy--count ?\) line))))
               (when (string-match-p "\\(?:\\`\\|[ \t]\\)when\\_>\\|\\`condition\\_>" line)
                 (setq found (cons (current-indentation) parens))))
             (setq more (authz-policy--continues))
             (and more (authz-policy--line-before))))
    found))

(defun authz-policy--indentation ()
  "The column at which the line at point begins."
  (save-excursion
    (beginning-of-line)
    (let* ((line (authz-policy--bare-line))
           (before (or (authz-policy--line-before) ""))
           (condition (authz-policy--in-condition))
           (column (current-indentation))
           (levels (cond
                    ((string-match-p "\\`when\\_>" line) 1)
                    ((and condition (string-match-p "\\`\\(?:and\\|or\\)\\_>" line))
                     (setq column (car condition))
                     (1+ (cdr condition)))
                    ((and condition (string-suffix-p "," before))
                     (setq column (car condition))
                     (+ 2 (cdr condition)))
                    (t (- (if (string-match-p "[,{]\\'" before) 1 0)
                          (if (string-prefix-p "}" line) 1 0))))))
      (max 0 (+ column (* levels authz-policy-indent-offset))))))

(defun authz-policy-indent-line ()
  "Indent the line.
It is a level deeper below a `{', below a comma that continues a list, and in
the lines of a condition."
  (interactive)
  (let ((column (authz-policy--indentation)))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;; Formatting

(defun authz-policy-format-buffer ()
  "Format the buffer with `authzcheck policy fmt'.
With a mistake in it, it stays as it is."
  (interactive)
  (let ((output (generate-new-buffer " *authzcheck*")) (messages (make-temp-file "authzcheck"))
        (coding-system-for-read 'utf-8) (coding-system-for-write 'utf-8))
    (unwind-protect
        (if (eq 0 (call-process-region nil nil authz-policy-program nil (list output messages) nil
                                       "policy" "fmt" "-"))
            (replace-buffer-contents output)
          (user-error "Not formatted: %s"
                      (with-temp-buffer
                        (insert-file-contents messages)
                        (buffer-substring (point-min) (line-end-position)))))
      (kill-buffer output)
      (delete-file messages))))

;;; The mode

(defvar authz-policy-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-f") #'authz-policy-format-buffer)
    map))

;;;###autoload
(define-derived-mode authz-policy-mode prog-mode "Policy"
  "Major mode for policies of authzd.

\\{authz-policy-mode-map}"
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'authz-policy-indent-line)
  (setq-local syntax-propertize-function authz-policy--syntax-propertize)
  (setq-local font-lock-defaults '(authz-policy--font-lock)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.policy\\'" . authz-policy-mode))

(defun authz-policy-server (&rest _)
  "The command of the language server, for Eglot."
  (list authz-policy-program "lsp"))

(defvar eglot-server-programs)
(put 'authz-policy-mode 'eglot-language-id "authz-policy")
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(authz-policy-mode . authz-policy-server)))

(provide 'authz-policy-mode)
;;; authz-policy-mode.el ends here
