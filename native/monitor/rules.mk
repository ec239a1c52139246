PROGRAMS += monitor
monitor_SOURCES := $(wildcard monitor/*.c)
monitor_LIBC := musl
