/*
 * Programs of the checkout as a user without rights. A checkout may lie where others do not get to, in a home directory or one of mktemp(1): then such a program runs
 * in mounts of its own, in which it lies at the same path and the way there is open. Nothing of the machine is changed for that.
 */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from './paths.js';

/** nobody. */
export const plainUser = 65_534;

export interface PlainCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** For spawn(). */
  readonly identity: { readonly uid?: number; readonly gid?: number };
}

/** S_IXOTH: others get through a directory. */
const executableByOthers = 0o001;

/** The first directory from above that keeps others out; undefined: all are open. */
function closedAbove(path: string): string | undefined {
  const above = dirname(path);
  const closed = above === path ? undefined : closedAbove(above);
  return closed ?? ((statSync(path).mode & executableByOthers) === 0 ? path : undefined);
}

/**
 * $1: the closed directory, $2: the checkout, $3: where Node is when that is below the closed directory, too, else empty; then the user and the command. What lies in
 * them stays reachable by descriptors while something else is mounted above it.
 */
const openTheWay = `
closed=$1 checkout=$2 node=$3 user=$4; shift 4
exec 8<"$checkout"
[ -z "$node" ] || exec 9<"$node"
/usr/bin/mount -t tmpfs -o mode=755 tmpfs "$closed"
/usr/bin/mkdir -p "$checkout"
for entry in /proc/self/fd/8/*; do
	name=\${entry##*/}
	if [ -d "$entry" ]; then /usr/bin/mkdir "$checkout/$name"; else : >"$checkout/$name"; fi
	/usr/bin/mount --no-canonicalize --bind "/proc/self/fd/8/$name" "$checkout/$name"
done
[ -z "$node" ] || { /usr/bin/mkdir -p "$node"; /usr/bin/mount --no-canonicalize --bind /proc/self/fd/9 "$node"; }
exec 8<&- 9<&-
exec /usr/bin/setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
`;

/** How to run a program of the checkout, or Node, as that user. It replaces what it is started by: its process is the one that is started. */
export function plainCommand(program: string, args: readonly string[]): PlainCommand {
  const closed = closedAbove(repository);
  if (closed === undefined) return { program, args, identity: { uid: plainUser, gid: plainUser } };
  const node = dirname(dirname(process.execPath));
  const hidden = node.startsWith(join(closed, '/')) ? node : '';
  return { program: '/usr/bin/unshare', args: ['--mount', '--propagation', 'private', '/bin/sh', '-e', '-c', openTheWay, 'sh', closed, repository, hidden, String(plainUser), program, ...args], identity: {} };
}
