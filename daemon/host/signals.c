/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/signals.h"

#include <stddef.h>

void signals_block(sigset_t *out_before)
{
	sigset_t most;

	sigfillset(&most);
	sigdelset(&most, SIGSEGV);
	sigdelset(&most, SIGBUS);
	sigdelset(&most, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &most, out_before);
}

void signals_restore(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}
