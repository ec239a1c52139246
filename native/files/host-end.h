/* The host's end of a copy, `files host`. */
#ifndef WARDEN_FILES_HOST_END_H
#define WARDEN_FILES_HOST_END_H

/* The launcher's socket, or wardend's own where there is no launcher (plain/main.c). It sends one COPY; what it closes later is a copy that is given up. */
enum { HOST_END_LAUNCHER = 0, HOST_END_SERVER = 3 };

/* launcher: where the order comes from. The exit status. */
int host_end_main(int launcher);

#endif
