/*
 * What went wrong: the step, the errno, and on what. Functions that can fail take `struct error *err` last, return 0 or a
 * negative number, and leave reporting to their caller. A step is begun with step_begin() (fault.h), so that code inside it only
 * has to say `return error_set(err, errno, "…")`.
 */
#ifndef WARDEN_ERROR_H
#define WARDEN_ERROR_H

#include <stddef.h>

#define ERROR_DETAIL_SIZE 640

struct error {
	const char *step;                   /* a string constant, never freed */
	int number;                         /* an errno value */
	char detail[ERROR_DETAIL_SIZE];     /* on what, e.g. a path; may be empty */
};

/* Fills number and detail, keeps the step. Always returns -1. */
int error_set(struct error *err, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "step: detail: cause" for people. */
void error_format(const struct error *err, char *ret_text, size_t size);
/* The same on standard error, behind the program's name. */
void error_print(const char *program, const struct error *err);

#endif
