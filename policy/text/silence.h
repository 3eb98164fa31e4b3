/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * silence: comments in a policy that silence warnings about one line.
 *
 *	role admin {
 *	    # lint: allow rule-inherited said again for readers
 *	    allow GET on api:/loans
 *	    allow GET on api:/files     # lint: allow rule-inherited
 *	}
 *
 * A comment alone on its line is for the next line that is not a comment, one after code for its
 * own line. `allow` is followed by codes with commas between them; what follows is the reason, for
 * readers. Errors are not silenced, nor are warnings about the machine (warning.h, `fixed`).
 */

#include "policy/text/diag.h"

/* One code of one comment. */
struct pol_silence {
	struct pol_span at;  /* of the code; of the comment when there is none */
	struct pol_str code; /* as written; empty: the comment is no silence, but looks like one */
	enum pol_warning warning; /* POL_WARNING_NONE: there is no such code */
	uint32_t begin, end;      /* the line that it is for, as offsets in the file */
	bool used;
};

/*
 * Takes the silenced warnings out of the list and into diags->silenced, and uncounts them. Call it
 * before pol_diags_sort, and again after more were added. The comments are looked for once and are
 * then in diags->silences, in the order of the files. If there is no memory for that, nothing is
 * silenced.
 */
void pol_silence_apply(struct pol_diags *diags);
