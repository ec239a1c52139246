#!/bin/bash
# Compares with what everybody knows.
set -euo pipefail

expect() {
	local below=$1 count=$2
	local found
	found=$(./primes "$below" | wc -l)
	[[ $found == "$count" ]] || { echo "below $below: $found instead of $count"; exit 1; }
	echo "below $below: $count"
}

expect 2 0
expect 100 25
expect 10000 1229
