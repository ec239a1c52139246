PROGRAMS += repquota
repquota_SOURCES := repquota/repquota.c
repquota_LIBC := musl

# test: needs nothing of the machine.
.PHONY: test-repquota
test: test-repquota
test-repquota: $(BUILD)/release/repquota
	python3 -B repquota/test/repquota_test.py
