PROGRAMS += plain-monitor
plain-monitor_SOURCES := $(wildcard plain/*.c) $(filter-out monitor/main.c,$(wildcard monitor/*.c))
plain-monitor_LIBC := musl
