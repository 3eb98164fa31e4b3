/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * confine: limits a program, once it has opened what it serves with, to the files and system
 * calls that serving needs. Code that gets into it then has no more.
 *
 * Both limits hold for the calling thread and for threads started later, and cannot be lifted. They
 * need no_new_privs (rights_drop). They are called before the first thread is started.
 *
 * confine_files uses Landlock: files can be opened only where a rule allows it. Descriptors that
 * are open already keep working, and so do stat(2), readlink(2) and inotify(7), which give no
 * contents. From ABI 4 on no TCP socket can be bound or connected either, and from ABI 6 on no
 * abstract socket and no signal reaches a process outside.
 *
 * confine_calls uses seccomp: a call that is not in its list ends the process. A build with a
 * sanitizer or for coverage has neither, because its runtime opens files and makes calls of its
 * own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What is in force, for `status`. */
struct confined {
	bool calls;             /* seccomp */
	unsigned files;         /* the ABI of Landlock; 0: files are not limited */
	bool capabilities;      /* the process has some left */
	const char *folders[8]; /* names of the configured folders that it may use */
	size_t folder_count;
};

/* What files a rule allows. */
enum confine_use {
	CONFINE_READ,   /* folders and files in and below it are listed and read */
	CONFINE_CHANGE, /* as CONFINE_READ, and regular files are made, written, renamed, removed */
	CONFINE_APPEND, /* regular files are made and written */
	CONFINE_UNLINK, /* files are removed */
};

/* False: this build is not confined. */
bool confine_is_built(void);

struct confine_files {
	int ruleset;
	unsigned abi;
	uint64_t handled;
	unsigned others; /* threads that have rules of their own; 0 after confine_files_begin */
};

/* Begins a set of rules, to be ended by confine_files_enter or _cancel. 0; -EOPNOTSUPP: this kernel
 * does not have Landlock; or another negative errno. */
int confine_files_begin(struct confine_files *files);

/* Adds a rule for the folder or file that the path leads to now. 0 or a negative errno, -ENOENT if
 * there is none. */
int confine_files_allow(struct confine_files *files, const char *path, enum confine_use use);

/* Allows to read a folder, and another one that takes its place later: by a rename, or by another
 * target of a link in its path. For that the folder in which it lies is allowed too, and for each
 * link in the path the folder in which its target lies; but not the root folder. */
int confine_files_allow_replaced(struct confine_files *files, const char *path);

/* The same for a folder that is missing, and may come: the folder in which it will lie is allowed.
 * -ENOENT: that one is missing too. */
int confine_files_allow_missing(struct confine_files *files, const char *path);

/* The same for the folder that holds the file of this path, which may be missing. */
int confine_files_allow_folder_of(
	struct confine_files *files, const char *path, enum confine_use use);

/* Allows to read the shared libraries of the system, which a module that is loaded may need. */
int confine_files_allow_libraries(struct confine_files *files);

/* From then on the rules hold. */
int confine_files_enter(struct confine_files *files);
void confine_files_cancel(struct confine_files *files);

/* What a program needs beside what every one does: memory, time, its descriptors, its signals, and
 * what stat(2) shows. */
struct confine_calls {
	bool threads;       /* it starts threads */
	bool files;         /* it opens, writes and renames files */
	bool connects;      /* it connects to Unix sockets, and sets options of connections */
	bool modules;       /* it maps code from files, to load modules */
	bool network;       /* it connects to other machines, and looks up their names */
	bool this_thread;   /* another thread has limits of its own, and keeps them */
	const gid_t *group; /* it gives its files to this one; NULL: to none */
};

/* Limits system calls. 0; -EOPNOTSUPP: this kernel does not have seccomp; or another negative
 * errno. */
int confine_calls(const struct confine_calls *needs);

/*
 * Limits the calling thread to what a client of a server on another machine needs: it connects, by
 * TCP, UDP and Unix sockets, and reads what looks up names and users, the certificates of the
 * system, and `paths`, except those that are missing or not absolute. It listens nowhere and writes
 * no file. Other threads are as before: those that call confine_files and confine_calls later set
 * `others` and `this_thread`. 0 or a negative errno; a kernel without Landlock or seccomp limits
 * nothing of its part.
 */
int confine_network(const char *const *paths, size_t count);

/* Has the process any capability? */
bool confine_has_capabilities(void);
