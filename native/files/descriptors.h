/* What `files` is started with, by a monitor for the container's side of a transfer. */
#ifndef WARDEN_FILES_DESCRIPTORS_H
#define WARDEN_FILES_DESCRIPTORS_H

enum {
	FILES_CONNECTION = 0,   /* the client's socket */
	FILES_REQUEST = 3,      /* a pipe that holds the body of TRANSFER */
	FILES_INIT = 4,         /* pidfd of the container's PID 1; with FILES_PLAIN the directory that is the root */
};

/* An argument: the container has no user namespace of its own (monitor/nested.h). */
#define FILES_NESTED "nested"
/* An argument: there is no container, only a directory of our own user (plain/main.c). */
#define FILES_PLAIN "plain"

#endif
