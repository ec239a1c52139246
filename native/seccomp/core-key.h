/*
 * The limit of core files is the server's to set and no job's: with RLIMIT_CORE 1 the kernel writes no core file and starts no program of
 * core_pattern, but with 0 it starts that program, as root of the host (fs/coredump.c), and a job could lower its own limit. So the filter
 * makes every other change of it have no effect, and knows wshd's by a key that wshd puts in place of these two numbers when it loads the
 * filter. The key travels in the upper halves of prlimit64's first two arguments, which the kernel does not look at.
 */
#ifndef WARDEN_SECCOMP_CORE_KEY_H
#define WARDEN_SECCOMP_CORE_KEY_H

#define CORE_KEY_FIRST 0x9d3fc0a1u
#define CORE_KEY_SECOND 0x6b81e7d5u

#endif
