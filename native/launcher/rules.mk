PROGRAMS += launcher
launcher_SOURCES := $(wildcard launcher/*.c)
launcher_LIBC := glibc
launcher_LIBS := -lmnl
