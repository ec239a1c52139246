#ifndef WARDEN_SECCOMP_PROLOGUE_H
#define WARDEN_SECCOMP_PROLOGUE_H

#include <linux/filter.h>
#include <stddef.h>

#include "seccomp/compact.h"

/*
 * What libseccomp's rules cannot say, as instructions to stand before its program: ioctl commands refused by their low 32 bits (the kernel
 * ignores the high ones, so a 64-bit comparison could be walked around), socket families for both architectures, and ENOSYS for numbers of
 * kernels to come; and what is decided by the first argument: clone by its flags, personality by its value, socketcall by the call it
 * stands for; and prlimit64 and setrlimit, which have no effect on the limit of core files (seccomp/core-key.h).
 * Returns the number of instructions.
 */
size_t prologue_instructions(const struct sock_filter **ret_instructions);

/* The calls that never reach what follows. Returns their number. */
size_t prologue_decided(const struct decided **ret_decided);

#endif
