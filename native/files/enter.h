/* From a process of the host to one in the container, that can do to its files what one of its users can. */
#ifndef WARDEN_FILES_ENTER_H
#define WARDEN_FILES_ENTER_H

#include "files/transfer.h"

/* Joins the namespaces of the process behind a pidfd; its root is ours then, and transfer->root. All capabilities there, none on the host. */
int enter_container(int init, struct transfer *transfer, struct error *err);
/* Of plain processes: the directory is the root, and who we are stays; nothing in it gets set-id bits. */
int enter_directory(int directory, struct transfer *transfer, struct error *err);
/* Becomes the transfer's user for good, and fills in uid, gid and home when it was given by name. Errors of names: step `find user` (wsh/passwd-file.h). */
int enter_become_user(struct transfer *transfer, struct error *err);

#endif
