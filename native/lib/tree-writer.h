/*
 * Making entries below a directory, from names and contents that nobody vouches for: directories, files, symbolic links, hard links; nothing else.
 *
 * Every entry is made in a directory whose descriptor is held, by a single name, without following a link; tree_parent() finds that directory by a path
 * of which no step leaves the root. A file that is new appears under its own name and is taken away again when it cannot be finished; one that
 * is in the way, or a link, is replaced by a rename when the new one is whole. A directory is never replaced by anything else.
 * Counters are kept against the limits of the policy. Errors: EDQUOT more entries or bytes than allowed; ELOOP too deep, or a link on the way; EINVAL a name
 * that is none; EISDIR a directory is in the way; all else is the kernel's.
 */
#ifndef WARDEN_TREE_WRITER_H
#define WARDEN_TREE_WRITER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "lib/error.h"

#define TREE_MAX_NAME 255u   /* bytes, as the kernel has it */
/* What set-id bits are taken away by a policy without them. */
#define TREE_MODE_PLAIN 01777u
#define TREE_MODE_SET_ID 07777u

struct tree_policy {
	uint64_t entry_limit;
	uint64_t byte_limit;        /* of contents; holes count as nothing */
	unsigned int depth_limit;   /* components of a path */
	mode_t mode_bits;           /* that an entry may have: TREE_MODE_* */
	uint64_t set_id_mount;      /* the one mount, by its id, in which set-id bits are not taken away; 0: any */
	bool follow_links;          /* in tree_parent(): links on the way are followed, inside the root; else they are errors */
	bool make_parents;          /* in tree_parent(): what is missing on the way is made, mode 0755 */
};

struct tree_writer {
	struct tree_policy policy;
	int root;                   /* the caller's */
	uint64_t entries;           /* that were made */
	uint64_t bytes;             /* that were written */
	uint64_t serial;            /* of temporary names */
	int parent;                 /* the last one of tree_parent() */
	char parent_path[PATH_MAX];
};

/* What an entry is to have. Ids and times that are not given are the process's and the moment's. */
struct tree_attributes {
	mode_t mode;
	bool has_owner;
	uid_t uid;
	gid_t gid;
	bool has_time;
	struct timespec modified;
};

/* A file that is being written. */
struct tree_file {
	int fd;
	int directory;              /* the caller's */
	bool replacing;             /* under the temporary name until it is finished */
	char name[TREE_MAX_NAME + 1];
	char temporary[48];
};

void tree_writer_init(struct tree_writer *writer, int root, const struct tree_policy *policy);
void tree_writer_free(struct tree_writer *writer);

/* 1 to 255 bytes, of any value but '/' and NUL, neither "." nor "..". */
bool tree_name_is_valid(const char *name);

/*
 * The directory that the last component of a path is in, and that component. Slashes at the ends and "." count as nothing, ".." is EINVAL; a path that is the
 * root itself has an empty name. *ret_directory stays the writer's and is valid until the next call; *ret_name is at least TREE_MAX_NAME + 1 bytes.
 */
int tree_parent(struct tree_writer *writer, const char *path, int *ret_directory, char *ret_name, struct error *err);
/* What tree_parent() found last may not be there any more. */
void tree_forget_parent(struct tree_writer *writer);

/*
 * A directory, opened for reading. One that exists stays as it is (*ret_made false); anything else of that name is replaced. A new one has mode 0700 until
 * tree_finish_directory(), so that it can be filled by whoever has no capabilities.
 */
int tree_make_directory(struct tree_writer *writer, int directory, const char *name, int *ret_fd, bool *ret_made, struct error *err);
int tree_finish_directory(const struct tree_writer *writer, int fd, const char *name, const struct tree_attributes *attributes, struct error *err);

/* Until one of the two that follow it; mode 0600. */
int tree_begin_file(struct tree_writer *writer, int directory, const char *name, struct tree_file *ret_file, struct error *err);
/* Owner, mode and time, then the name. The file is closed, also on failure, and then nothing of it is left. */
int tree_finish_file(struct tree_writer *writer, struct tree_file *file, const struct tree_attributes *attributes, struct error *err);
void tree_abandon_file(struct tree_file *file);
/* Counts an entry that the caller makes itself: EDQUOT. */
int tree_add_entry(struct tree_writer *writer, const char *name, struct error *err);
/* Counts bytes that are going to be written: EDQUOT. */
int tree_add_bytes(struct tree_writer *writer, uint64_t count, struct error *err);

int tree_make_symlink(struct tree_writer *writer, int directory, const char *name, const char *target, const struct tree_attributes *attributes, struct error *err);
/* Another name of a file, not of a directory or a link, that is below the root. */
int tree_make_link(struct tree_writer *writer, int directory, const char *name, int existing_directory, const char *existing_name, struct error *err);

#endif
