;;; faces.el --- What authz-policy-mode makes of files  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; For emacs --batch.  Of the file $AUTHZ_ASKED each line is FILE<tab>LINE<tab>COLUMN<tab>LENGTH; the answers, a
;; face for each of these bytes, go to $AUTHZ_ANSWERS.

;;; Code:

(require 'authz-policy-mode)

(defun faces-face (row column)
  "The face of the byte COLUMN of line ROW, both from 1."
  (goto-char (point-min))
  (forward-line (1- row))
  (let ((face (get-text-property (byte-to-position (+ (position-bytes (point)) column -1)) 'face)))
    (format "%s" (or (if (consp face) (car face) face) ""))))

(defun faces-answer (line)
  "The answer to LINE."
  (pcase-let ((`(,file ,row ,column ,length) (split-string line "\t")))
    (unless (equal buffer-file-name file)
      (find-file file)
      (font-lock-ensure))
    (mapconcat (lambda (i) (faces-face (string-to-number row) (+ (string-to-number column) i)))
               (number-sequence 0 (1- (string-to-number length))) " ")))

(let* ((asked (with-temp-buffer
                (insert-file-contents (getenv "AUTHZ_ASKED"))
                (split-string (buffer-string) "\n" t)))
       (answers (mapconcat #'faces-answer asked "\n")))
  (write-region (concat answers "\n") nil (getenv "AUTHZ_ANSWERS")))

;;; faces.el ends here
