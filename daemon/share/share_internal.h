/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * share_internal: what share.c, the watcher's files and those of a realm's life have in common. No
 * other room includes it.
 *
 *     share.c            its life; lends the writer's connection
 *     share_turn.c       the writer's turn
 *     share_settings.c   max_lag, standbys and the policy that all are to have
 *     share_status.c     what `status` and hosts.list see
 *     watcher.c          the thread: looks, beats
 *     watcher_connect.c  opens both connections
 *     watcher_hosts.c    this host's row, the other ones, and answers that wait for them
 *     watcher_snapshot.c puts a snapshot when it is time
 *     watcher_use.c      puts and reads uses of keys
 *     snapshot.c         a copy of the store with its place in the log, written and read
 *     realm.c, join.c    begins a realm; joins, follows and leaves one
 *     restore.c          a copy becomes a new epoch
 */

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/share/database.h"
#include "daemon/share/pepper.h"
#include "daemon/share/realm.h"
#include "daemon/share/share.h"
#include "daemon/store/shared.h"

/* How long one statement may take, in ms. A look that takes longer is of no use to a `max_lag` of a
 * second. */
#define SHARE_LOOK_MS     2000
#define SHARE_CONNECT_MS  5000
#define SHARE_SNAPSHOT_MS 600000 /* a whole snapshot, which is as large as the store */

/* Settings that are rows of the log. */
struct share_settings {
	uint64_t max_lag; /* ns; 0: none */
	enum share_standbys standbys;
	char policy[SHARE_REVISION]; /* empty: any */
	uint64_t sequence;           /* of a row that has them */
};

/* The connection that the writer uses. share.lock guards it. */
struct share_lending {
	struct share_log *log; /* NULL: there is none */
	bool lent;
	struct share_log *broken; /* the watcher closes it */
	bool opening;             /* the watcher tries to open one: it is worth waiting for */
	uint64_t number;          /* raised by each new one */
};

/* The first piece of a snapshot: realm, epoch, sequence, tag, the trail's end, and a tag over them:
 * a copy that is older than its place says is refused. */
#define SHARE_SNAPSHOT_PLACE (SHARE_REALM + 8 + 8 + SHARE_TAG + 8 + STORE_CHAIN + STORE_CHAIN)

/* A copy of the store as of its place in the log, in pieces. */
struct share_source {
	struct store_copy *copy; /* NULL: it is read from fd, */
	int fd;
	uint8_t *bytes; /* STORE_COPY_PIECE of them; of a file, STORE_COPY_ROOM */
	struct share_head head;
	struct store_head trail;
	const struct secrets *secrets;
	bool begun;
	uint8_t place[SHARE_SNAPSHOT_PLACE];
	/* Called before each piece but the first; NULL: nothing is. */
	void (*between)(void *context);
	void *context;
	atomic_uint_fast64_t *done, *total; /* records; NULL: not wanted */
};

struct watcher {
	struct share *share;
	pthread_t thread;
	bool running;
	struct store_read *reader;

	struct share_log *log; /* NULL: there is no connection */
	bool listens;
	uint64_t connection; /* the number of the present one */
	uint64_t pause;      /* ms, before the next try */
	uint64_t connect_at; /* ns, as all that end in _at; 0: now */
	uint32_t random;

	unsigned began; /* as of which it knows the realm */
	bool entered;   /* this host's row is there, by this connection */
	struct share_host row;
	struct store_shared place; /* of the store, as of the last look */
	bool shared;               /* the store has one */

	struct share_lease lease;
	struct share_proof proof;
	struct share_server server;
	bool knows_server;
	uint64_t held_until; /* ns: before this no host is fresh */
	bool caught_up;      /* once, since the start or since it joined */
	uint64_t end_at;     /* when the writer may be asked again to end `stale` */
	bool parted;         /* the log is of another epoch than the store */
	uint64_t look_at, report_at, beat_at, hosts_at, wait_at, tend_at, snapshot_at;
	uint64_t reported; /* in the last look */
	uint64_t head;     /* as of the last look */
	uint32_t hosts;

	struct {
		unsigned phase;    /* of watcher_use.c; 0: between two rounds */
		uint64_t after;    /* the last key of the phase's last page */
		uint64_t at;       /* when the next page or round is due */
		uint64_t least_at; /* the earliest time of one that is asked for */
		uint8_t id[STORE_USES_ID];
		struct store_numbers numbers; /* as of the round's begin */
	} use;

	uint64_t snapshot;   /* the newest one's sequence, as far as it is known */
	bool knows_snapshot; /* an earlier one was seen */
	uint64_t counted;    /* kept rows up to here are in grown */
	uint64_t grown;      /* bytes of rows since the newest */
};

/* A copy that a peer sends in parts, in a file without a name. The writer's thread, but touched. */
struct share_restore {
	int fd;
	uint64_t size;
	uint8_t cursor[SHARE_CURSOR_SIZE]; /* of the next part */
	atomic_uint_fast64_t touched;      /* share_now() at the last part; 0: there is no copy */
};

enum share_copying { SHARE_COPY_NONE = 0, SHARE_COPY_WANTED, SHARE_COPY_READY, SHARE_COPY_FAILED };

/* What may have a problem. */
enum share_part { SHARE_CONNECTION = 0, SHARE_ROWS, SHARE_PEPPER, SHARE_PARTS };

#define SHARE_PEPPER_BEHIND                                                                        \
	"this host's secrets' file could not be given the pepper in use: `authzcheck status` "     \
	"says why"

struct share {
	struct share_options options;
	const struct share_database *database;
	uint8_t instance[SHARE_INSTANCE];
	uint8_t fingerprint[SHARE_FINGERPRINT];
	int wake; /* an eventfd of the watcher */
	struct watcher watcher;
	struct share_everywhere *everywhere;
	struct share_use_table *uses;
	atomic_bool on;
	atomic_uint began; /* raised when the store becomes part of a realm, again or not */

	/* the writer's thread's */
	struct share_append append;
	struct share_pepper pepper;
	struct store_read *reader;
	struct share_restore restore;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	bool has_lock;
	struct share_lending lending;
	struct share_writer writer; /* all NULL: there is none */
	bool wake_owed;             /* the writer was to be woken before there was one */
	bool stop;
	bool has_uses_id;
	bool wants_uses; /* a round is asked for */
	uint8_t uses_id[STORE_USES_ID];
	bool look_again; /* the log was seen to end before this store */
	bool follow;     /* the log was seen to be of a later epoch */
	bool leave; /* this host's row is to be marked gone, before this host leaves the store */
	bool want_stale; /* what the watcher found: the writer ends `fresh->stale` */
	bool caught_up;  /* a look, after this host's row was entered, found no later row */
	bool entered;    /* this host has its row, since it became part of the realm */
	char revision[SHARE_REVISION];
	struct share_settings settings;
	const char *least_why; /* NULL: it may do everything */
	enum share_copying copying;
	struct share_source source;
	uint64_t drop_before;                  /* rows that are kept no longer; 0: none */
	char problems[SHARE_PARTS][SHARE_WHY]; /* empty: none */
	struct share_status status;
	struct share_host *hosts;
	size_t host_count;
	int64_t hosts_read; /* the database's clock, when they were; 0: never */
	/* What is at work (realm.h): a constant; NULL: nothing. */
	const char *_Atomic work;
	atomic_uint_fast64_t work_done, work_total;
};

/* --- share.c ---------------------------------------------------------------------------------- */

/* Any thread: the watcher looks at once. */
void share_wake_watcher(struct share *share);
/* Any thread: asks for share_writer_turn. */
void share_wake_writer(struct share *share);
/* The writer's thread: work that takes long has made progress. */
void share_go_on(struct share *share);
/* What does not go well: logged when it is another one than before, and in `status`. Empty: it goes
 * well again. Any thread. */
void share_note_problem(struct share *share, enum share_part part, const char *why);
/* The writer's thread: the store has become part of a realm, or of another one, or is a single one
 * again: `append` and `fresh` follow. */
int share_take_up(struct share *share, bool caught_up);
/* The writer's thread, after share_take_up: waits until this host has its row of `host`, so that
 * all that is answered as being everywhere from then on is here, too. False: not in
 * SHARE_ANSWER_MS. */
bool share_await_entered(struct share *share);
/* The writer's thread. Ends `fresh->stale` if nothing wants it. */
void share_end_stale(struct share *share);

/* --- share_settings.c ------------------------------------------------------------------------- */

/* Reads them. What is missing or no value is as unset. */
void share_settings_read(struct store_read *read, struct share_settings *out);

/* --- watcher*.c ------------------------------------------------------------------------------- */

int watcher_start(struct share *share);
void watcher_stop(struct share *share);

/* The connection failed, or what it showed must not be used: closes it. */
void watcher_lose(struct watcher *watcher, int error);
/* The last row that the store has. */
uint64_t watcher_applied(const struct watcher *watcher);
/* Between two looks, in ms: half of them are younger than the least max_lag. */
#define WATCHER_LOOK_MS 1000
/* Looks at the log, with a report, and acts by what it shows. There is a connection. */
void watcher_look(struct watcher *watcher);
/* Opens what is missing, if it is time. */
void watcher_connect(struct watcher *watcher);
/* Everything is closed. */
void watcher_disconnect(struct watcher *watcher);

/* Enters this host's row if it is not there or is another one. 0, or the connection is lost. */
int watcher_enter(struct watcher *watcher);
/* Reads the rows of hosts if it is time, ends what waits for them, and tends them. */
void watcher_hosts(struct watcher *watcher);
/* Ends or goes on with what waits, when there is no connection. */
void watcher_hosts_without(struct watcher *watcher);

/* How many live hosts are before this one, in the order of instances. */
unsigned watcher_rank(struct share *share);

/* A page of a round, if it is time. */
void watcher_use(struct watcher *watcher);
/* The store is another one. */
void watcher_use_begin_again(struct watcher *watcher);
/* Puts what is not put yet, before the connection is closed. The writer has ended. */
void watcher_use_end(struct watcher *watcher);
/* The writer's thread: under which id this store's uses are put; it is made if there is none. */
void share_take_uses_id(struct share *share);

/* Puts a snapshot if it is time. */
void watcher_snapshot(struct watcher *watcher);
/* What is due: looks, beats, hosts. For snapshots, between two pieces. */
void watcher_step(struct watcher *watcher);

/* --- snapshot.c ------------------------------------------------------------------------------- */

/* The writer's thread, so that the place is that of the copy. */
int share_source_open(struct share *share, struct share_source *out);
void share_source_close(struct share_source *source);
/* As store_next_piece. */
int share_source_next(void *context, struct pol_str *out);

struct share_join;

/* What a snapshot must meet. */
struct share_wanted {
	const struct store_head *holds; /* its trail must have this head; NULL: it need not */
	const struct share_join *join;  /* its rows must lead to this change; NULL: they need not */
};
/* Replaces the store by the newest snapshot, in one write with its place. SHARE_LOST: its trail
 * lacks wanted->holds. */
int share_snapshot_take(struct share *share, struct share_log *log, const struct share_head *head,
	const struct share_wanted *wanted, char why[static SHARE_WHY]);
/* Where the newest snapshot's trail ends. */
int share_snapshot_trail(struct share *share, struct share_log *log, const struct share_head *head,
	struct store_head *out);

/* Is the entry where another trail ended in this one? */
bool share_trail_has(struct store_read *read, const struct store_head *head);
/* Puts a place, in a job of its own, which is kept. */
int share_put_place(struct store_write *write, const struct share_head *head);

/* Writes a copy of the store beside it: `out` is its path. */
int share_copy_aside(struct share *share, const char *what, char out[static SHARE_COPY_PATH],
	char why[static SHARE_WHY]);

/* --- restore.c, join.c ------------------------------------------------------------------------ */

/* Drops the copy that is being sent. The writer's thread. */
void share_restore_end(struct share *share);
/* Was its last part too long ago? Any thread. */
bool share_restore_is_over(struct share *share);

/* The writer's thread: the log is of a later epoch. Begins from it if that has all this host has;
 * else it has diverged. */
void share_follow(struct share *share);
