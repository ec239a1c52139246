/* Loop devices: a file as a block device. */
#ifndef LAUNCHER_LOOP_DEVICE_H
#define LAUNCHER_LOOP_DEVICE_H

#include "lib/error.h"

enum { LOOP_DEVICE_NAME_SIZE = 32 };

/*
 * A new device of a file, which goes when its last descriptor is closed and nothing on it is mounted any more. Returns a descriptor of it;
 * ret_name: its path.
 */
int loop_device_attach(int file, char ret_name[static LOOP_DEVICE_NAME_SIZE], struct error *err);

/*
 * The device of a file: the one it has, when a file system on it is still mounted somewhere, or a new
 * one.
 */
int loop_device_of(const char *path, char ret_name[static LOOP_DEVICE_NAME_SIZE], struct error *err);

#endif
