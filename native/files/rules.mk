PROGRAMS += files
files_SOURCES := $(wildcard files/*.c) wsh/passwd.c wsh/passwd-file.c
files_LIBC := musl
