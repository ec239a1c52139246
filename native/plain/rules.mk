PROGRAMS += plain-monitor
plain-monitor_SOURCES := $(wildcard plain/*.c) $(filter-out monitor/main.c,$(wildcard monitor/*.c))
plain-monitor_LIBC := musl

# All that container_klass: Insecure needs: no libraries, only a compiler and musl.
.PHONY: plain
plain: $(addprefix $(BUILD)/release/,plain-monitor wshd files)
