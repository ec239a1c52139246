/* The host's end of a copy, `files host`. */
#ifndef WARDEN_FILES_HOST_END_H
#define WARDEN_FILES_HOST_END_H

/* The launcher's socket. It sends one COPY; what it closes later is a copy that is given up. */
enum { HOST_END_LAUNCHER = 0 };

/* The exit status. */
int host_end_main(void);

#endif
