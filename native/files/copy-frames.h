/*
 * What the two ends of a copy say to each other, over the connection that TRANSFER handed to the container's end. One end reads (copy-sender.c), the
 * other one makes (copy-receiver.c); which is which follows from the direction. Frames of wire.h's form, numbers of their own:
 *
 *   sender    SOURCE {KIND, NAME, CONTENTS}, then for each entry, a directory's own between it and its LEAVE:
 *             DIRECTORY {NAME, MODE}, LEAVE, FILE {NAME, MODE} with the descriptor of the opened file, LINK {NAME, CONTENT (where it leads)},
 *             SKIPPED {NAME (its path)}, and at last FINISHED
 *   receiver  WIRE_OK when it is ready (only the container's end), PROGRESS {ENTRIES, BYTES} now and then, and at last DONE {ENTRIES, BYTES}
 *   both      WIRE_ERROR {STEP, ERRNO, DETAIL}, the last that is said
 *
 * Nothing of this is believed: a name is one component, the tree is as deep as the limit at most, and a descriptor is that of a regular file or the copy ends.
 */
#ifndef WARDEN_FILES_COPY_FRAMES_H
#define WARDEN_FILES_COPY_FRAMES_H

/* An end that hears nothing, or not all of a frame, for so long gives up. Tests are less patient. */
#ifndef COPY_SILENCE_MS
#define COPY_SILENCE_MS 120000
#endif

enum copy_frame {
	COPY_SOURCE = 1,
	COPY_DIRECTORY = 2,
	COPY_LEAVE = 3,
	COPY_FILE = 4,
	COPY_LINK = 5,
	COPY_SKIPPED = 6,
	COPY_FINISHED = 7,
	COPY_PROGRESS = 8,
	COPY_DONE = 9,
};

/* Tags that only the two ends know. */
enum {
	TAG_KIND = 1000,       /* u32: COPY_KIND_* of the source */
	TAG_CONTENTS = 1001,   /* u32: 1 = what is in the directory, without it */
};

enum copy_kind {
	COPY_KIND_DIRECTORY = 1,
	COPY_KIND_OTHER = 2,
};

enum {
	/* Each level is an open directory at both ends. */
	COPY_MAX_DEPTH = 256,
	/* A name and where a link leads, and some. */
	COPY_MAX_FRAME = 16 << 10,
	/* Descriptors that may be on their way: the socket's queue holds fewer frames. */
	COPY_MAX_DESCRIPTORS = 512,
	COPY_QUEUE_SIZE = 32 << 10,
	COPY_PROGRESS_MS = 100,
	/* Paths of what was skipped that are told, and how much of each; all are counted. */
	COPY_SKIPPED_TOLD = 16,
	COPY_MAX_TOLD_PATH = 512,
};

#endif
