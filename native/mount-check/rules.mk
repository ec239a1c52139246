PROGRAMS += mount-check
mount-check_SOURCES := mount-check/main.c
mount-check_LIBC := musl
