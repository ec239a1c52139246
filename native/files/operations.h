/* The operations of a transfer; each is one file. */
#ifndef WARDEN_FILES_OPERATIONS_H
#define WARDEN_FILES_OPERATIONS_H

#include "files/transfer.h"

int serve_read(struct transfer *transfer, struct error *err);
int serve_write(struct transfer *transfer, struct error *err);
int serve_stat(struct transfer *transfer, struct error *err);
int serve_list(struct transfer *transfer, struct error *err);
int serve_make_directory(struct transfer *transfer, struct error *err);
int serve_remove(struct transfer *transfer, struct error *err);
int serve_tar_in(struct transfer *transfer, struct error *err);
int serve_tar_out(struct transfer *transfer, struct error *err);
int serve_rename(struct transfer *transfer, struct error *err);
int serve_processes(struct transfer *transfer, struct error *err);
int serve_copy_in(struct transfer *transfer, struct error *err);
int serve_copy_out(struct transfer *transfer, struct error *err);

#endif
