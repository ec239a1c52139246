/*
 * The end of a copy that makes what the other end tells of, below the destination (lib/tree-writer.h). What is there already stays: directories as they are,
 * and everything that the copy does not name; a file or link in the way is replaced. A copy that ends early leaves whole entries only: those made so far.
 */
#ifndef WARDEN_FILES_COPY_RECEIVER_H
#define WARDEN_FILES_COPY_RECEIVER_H

#include "files/channel.h"
#include "files/copy-sender.h"
#include "lib/tree-writer.h"

struct copy_order {
	const char *path;             /* of the destination */
	struct place place;
	struct tree_policy policy;
	struct tree_attributes owner; /* has_owner, uid, gid */
	/* Called once the destination is open, which is the only directory that is needed from then on. May be NULL. */
	int (*confine)(int directory, struct error *err);
};

/*
 * Until everything is there, and the other end knows it. The destination follows rsync's rules: a file goes to the path, or into the directory that it is; a directory
 * goes into the path, which is made when it is missing, under its own name, or its contents do.
 */
int copy_receive(struct channel *channel, const struct copy_order *order, const struct copy_reports *reports, struct copy_counts *ret_counts, struct error *err);

#endif
