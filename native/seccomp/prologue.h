#ifndef WARDEN_SECCOMP_PROLOGUE_H
#define WARDEN_SECCOMP_PROLOGUE_H

#include <linux/filter.h>
#include <stddef.h>

/*
 * What libseccomp's rules cannot say, as instructions to stand before its program: ioctl commands refused by their low 32 bits (the kernel
 * ignores the high ones, so a 64-bit comparison could be walked around), socket families for both architectures, and ENOSYS for numbers of
 * kernels to come.
 * Returns the number of instructions.
 */
size_t prologue_instructions(const struct sock_filter **ret_instructions);

#endif
