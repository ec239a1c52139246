PROGRAMS += files
files_SOURCES := $(wildcard files/*.c) wsh/passwd.c wsh/passwd-file.c $(wildcard tar/*.c)
files_LIBC := musl
