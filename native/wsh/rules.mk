PROGRAMS += wshd
wshd_SOURCES := wsh/wshd.c wsh/setup.c wsh/core-limit.c wsh/set-id-filter.c wsh/run-request.c wsh/job.c wsh/job-identity.c wsh/job-streams.c wsh/job-user.c wsh/naming.c wsh/passwd.c wsh/passwd-file.c wsh/reaper.c
wshd_LIBC := musl

PROGRAMS += wsh
wsh_SOURCES := wsh/wsh.c wsh/session.c wsh/terminal.c
wsh_LIBC := musl
