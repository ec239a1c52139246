PROGRAMS += launcher
launcher_SOURCES := $(wildcard launcher/*.c)
launcher_LIBC := glibc
launcher_LIBS := -lmnl

# Unit tests, under the sanitizers: every source but those that start processes or wait for events.
LAUNCHER_TESTS := $(patsubst launcher/test/%-test.c,$(BUILD)/test/launcher-%,$(wildcard launcher/test/*-test.c))
LAUNCHER_TESTED := $(addprefix launcher/,conntrack.c conntrack-order.c description.c elements.c firewall-messages.c firewall-rules.c firewall-watch.c firewall.c link-statistics.c link.c netlink.c port-order.c quota-order.c shape-state.c shape.c steps.c sysctl.c) $(LIB_SOURCES)
LAUNCHER_HEADERS := $(wildcard launcher/*.h test/*.h lib/*.h)
LAUNCHER_FUZZ_TARGETS := $(patsubst launcher/fuzz/%-fuzz.c,%,$(wildcard launcher/fuzz/*-fuzz.c))

$(foreach t,$(LAUNCHER_TESTS),$(eval $(call CHECKED,$(t),sanitized,$(patsubst $(BUILD)/test/launcher-%,launcher/test/%-test.c,$(t)) $(LAUNCHER_TESTED),-lmnl)))
$(foreach t,$(LAUNCHER_FUZZ_TARGETS),$(eval $(call CHECKED,$(BUILD)/test/launcher-replay-$(t),sanitized,launcher/fuzz/$(t)-fuzz.c fuzz/replay.c $(LAUNCHER_TESTED),-lmnl)))

# The whole program under the sanitizers, with faults; and the monitor that only speaks its language.
$(eval $(call CHECKED,$(BUILD)/sanitized/launcher,sanitized-faults,$(launcher_SOURCES) $(LIB_SOURCES),-lmnl))

$(BUILD)/test/fake-monitor: launcher/test/fake-monitor.c $(LIB_SOURCES) $(LAUNCHER_HEADERS) $(MUSL_INCLUDE)/.made
	@mkdir -p $(@D)
	$(MUSL_CC) $(CFLAGS_COMMON) $(CFLAGS_musl) -static -o $@ $< $(LIB_SOURCES)

LAUNCHER_WHOLE := $(foreach variant,release faults,$(addprefix $(BUILD)/$(variant)/,launcher monitor wshd)) $(BUILD)/release/seccomp.bpf

# test: needs nothing of the machine. test-root: needs root, makes network namespaces and cgroups of its own.
.PHONY: test-launcher test-root test-root-launcher test-root-launcher-devices test-root-launcher-disks test-root-launcher-sanitized test-root-launcher-create fuzz-launcher
test: test-launcher
test-launcher: $(LAUNCHER_TESTS)
	@set -e; for test in $^; do $$test; done

test-root: test-root-launcher test-root-launcher-sanitized test-root-launcher-devices test-root-launcher-disks test-root-launcher-create
test-root-launcher: $(BUILD)/release/launcher $(BUILD)/faults/launcher $(BUILD)/test/fake-monitor
	python3 -B launcher/test/launcher_test.py
test-root-launcher-sanitized: $(BUILD)/sanitized/launcher $(BUILD)/test/fake-monitor
	LAUNCHER_VARIANT=sanitized python3 -B launcher/test/launcher_test.py
test-root-launcher-devices: $(BUILD)/release/launcher
	python3 -B launcher/test/devices_test.py
test-root-launcher-disks: $(BUILD)/sanitized/launcher $(BUILD)/test/fake-monitor
	LAUNCHER_VARIANT=sanitized python3 -B launcher/test/disks_test.py
test-root-launcher-create: $(LAUNCHER_WHOLE)
	python3 -B launcher/test/create_test.py

# fuzz: the targets are built, and what is in their corpora replayed; build/fuzz/launcher-TARGET DIRECTORY looks for more.
$(foreach t,$(LAUNCHER_FUZZ_TARGETS),$(eval $(call CHECKED,$(BUILD)/fuzz/launcher-$(t),fuzz,launcher/fuzz/$(t)-fuzz.c $(LAUNCHER_TESTED),-lmnl)))
fuzz: fuzz-launcher
fuzz-launcher: $(addprefix $(BUILD)/fuzz/launcher-,$(LAUNCHER_FUZZ_TARGETS)) $(addprefix $(BUILD)/test/launcher-replay-,$(LAUNCHER_FUZZ_TARGETS))
	@set -e; for target in $(LAUNCHER_FUZZ_TARGETS); do $(BUILD)/test/launcher-replay-$$target launcher/fuzz/corpus/$$target/*; done
