PROGRAMS += launcher
launcher_SOURCES := $(wildcard launcher/*.c)
launcher_LIBC := glibc
launcher_LIBS := -lmnl

# Unit tests, under the sanitizers: every source but those that start processes or wait for events.
LAUNCHER_TESTS := $(patsubst launcher/test/%-test.c,$(BUILD)/test/launcher-%,$(wildcard launcher/test/*-test.c))
LAUNCHER_TESTED := $(addprefix launcher/,description.c elements.c firewall.c link.c netlink.c steps.c) $(LIB_SOURCES)
LAUNCHER_HEADERS := $(wildcard launcher/*.h launcher/test/*.h lib/*.h)
CFLAGS_SANITIZED := $(filter-out -O2,$(CFLAGS_COMMON)) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all

$(LAUNCHER_TESTS): $(BUILD)/test/launcher-%: launcher/test/%-test.c $(LAUNCHER_TESTED) $(LAUNCHER_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SANITIZED) -o $@ $< $(LAUNCHER_TESTED) -lmnl

$(BUILD)/test/launcher-replay: launcher/fuzz/replay.c launcher/fuzz/description-fuzz.c $(LAUNCHER_TESTED) $(LAUNCHER_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SANITIZED) -o $@ $(filter %.c,$^) -lmnl

# The whole program under the sanitizers, with faults; and the monitor that only speaks its language.
$(BUILD)/sanitized/launcher: $(launcher_SOURCES) $(LIB_SOURCES) $(LAUNCHER_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_SANITIZED) -DWARDEN_FAULTS -o $@ $(launcher_SOURCES) $(LIB_SOURCES) -lmnl

$(BUILD)/test/fake-monitor: launcher/test/fake-monitor.c $(LIB_SOURCES) $(LAUNCHER_HEADERS) $(MUSL_INCLUDE)/.made
	@mkdir -p $(@D)
	$(MUSL_CC) $(CFLAGS_COMMON) $(CFLAGS_musl) -static -o $@ $< $(LIB_SOURCES)

# test: needs nothing of the machine. test-root: needs root, makes network namespaces and cgroups of its own.
.PHONY: test-launcher test-root test-root-launcher
test: test-launcher
test-launcher: $(LAUNCHER_TESTS) $(BUILD)/test/launcher-replay
	@set -e; for test in $(LAUNCHER_TESTS); do echo "# $$test"; $$test; done
	$(BUILD)/test/launcher-replay launcher/fuzz/corpus/*

test-root: test-root-launcher
test-root-launcher: release faults $(BUILD)/sanitized/launcher $(BUILD)/test/fake-monitor
	python3 -B launcher/test/devices_test.py
	python3 -B launcher/test/launcher_test.py
	LAUNCHER_VARIANT=sanitized python3 -B launcher/test/launcher_test.py
	python3 -B launcher/test/create_test.py

# launcher-fuzz CORPUS…: as libFuzzer takes it.
FUZZ_CC ?= clang
$(BUILD)/fuzz/launcher-description: launcher/fuzz/description-fuzz.c $(LAUNCHER_TESTED) $(LAUNCHER_HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -std=c17 -D_GNU_SOURCE -g -O1 -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $(LAUNCHER_TESTED) -lmnl
fuzz: $(BUILD)/fuzz/launcher-description
