#!/bin/bash
# What the test machine runs after init: for each line "NAME DEVICE OPTIONS" of /vm/depots, in a mount namespace of its own, that disk as
# /var/tmp, where the tests keep depots and root file systems; and there /vm/command if it exists, else the tests of /vm/plan.json.
set -u
ip link set lo up

port_called() {
	local file
	for file in /sys/class/virtio-ports/*/name; do
		if [ "$(cat "$file")" = "$1" ]; then
			file=${file%/name}
			echo "/dev/${file##*/}"
		fi
	done
}

while read -r name device options; do
	export WARDEN_VM_DEPOT=$name
	WARDEN_VM_PORT=$(port_called "$name")
	export WARDEN_VM_PORT
	unshare --mount --propagation private bash -c '
		mount -o "$2" "$1" /var/tmp && chmod 1777 /var/tmp && cd /warden || exit 1
		if [ -e /vm/command ]; then exec /vm/command; fi
		exec node /warden/scripts/vm/guest.mjs' start "$device" "$options" </dev/null &
done </vm/depots
wait
