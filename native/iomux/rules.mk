# What keeps and passes on the output of one command is the monitor's.
IOMUX_KEEPER := $(addprefix monitor/,accepting.c output.c spool.c follow.c connection.c input.c loop.c scratch.c exit-record.c usage.c parameters.c job-log.c log-lines.c syslog.c)

PROGRAMS += iomux-spawn
iomux-spawn_SOURCES := iomux/spawn.c iomux/one-job.c iomux/program.c iomux/directory.c $(IOMUX_KEEPER)
iomux-spawn_LIBC := musl

PROGRAMS += iomux-link
iomux-link_SOURCES := iomux/link.c iomux/link-output.c iomux/positions.c iomux/directory.c
iomux-link_LIBC := musl

# The whole programs under the sanitizers.
$(foreach p,iomux-spawn iomux-link,$(eval $(call CHECKED,$(BUILD)/sanitized/$(p),sanitized,$($(p)_SOURCES) $(LIB_SOURCES))))

# test: needs nothing of the machine.
.PHONY: test-iomux test-iomux-sanitized
test: test-iomux test-iomux-sanitized
test-iomux: $(BUILD)/release/iomux-spawn $(BUILD)/release/iomux-link
	python3 -B iomux/test/iomux_test.py
test-iomux-sanitized: $(BUILD)/sanitized/iomux-spawn $(BUILD)/sanitized/iomux-link
	IOMUX_VARIANT=sanitized python3 -B iomux/test/iomux_test.py
