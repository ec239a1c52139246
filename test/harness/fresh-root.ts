/*
 * A root of its own for installing things: this machine's /usr and /etc, in which a test may change what it likes, an empty /var, systemd as its first process with no
 * units but those that are installed, and network, processes and control groups of its own. Nothing of it is on the machine; it ends with `close`, or with
 * the test's process.
 *
 * systemd gets the version 2 tree of control groups below one group of ours. A wardend in it is shown the machine's groups at CGROUPS, as it would see them
 * without that.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, runProgram } from './run-program.js';
import type { Finished, Place, RunOptions } from './run-program.js';
import { CGROUP_ROOT } from './slot.js';
import type { Slot } from './slot.js';
import { untilSeen, withDeadline } from './wait.js';

const READY_MS = 20_000;
/** Where the machine's control groups are in the root. */
export const CGROUPS = '/run/cgroup';
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** argv: the directory, the group for systemd, a Node for a machine whose own is not in /usr/bin. Whatever ends the test's process ends unshare, and that systemd. */
const SETUP = `set -e
umask 022
echo $$ >"$2/cgroup.procs"
cd "$1"
exec setpriv --pdeathsig KILL unshare --net --mount --propagation private --pid --cgroup --fork --kill-child bash -c '${`set -e
mount --bind root root
cd root
mkdir -p usr etc var/lib/dpkg var/log var/cache var/tmp dev proc sys run tmp root home opt srv mnt
for name in bin sbin lib lib32 lib64 libx32 libo32; do if [ -L "/$name" ]; then cp -P "/$name" .; fi; done
mount --bind /usr usr
mount -o remount,bind,ro usr
for name in usr/bin usr/sbin usr/lib usr/share etc var/lib/dpkg; do
  mkdir -p "../changed/$name" "../work/$name"
  mount -t overlay overlay -o "lowerdir=/$name,upperdir=../changed/$name,workdir=../work/$name" "$name"
done
[ -e usr/bin/node ] || cp "$1" usr/bin/node
rm -f usr/sbin/policy-rc.d
mkdir -p ../units/installed ../units/enabled ../units/none
mount --bind ../units/installed usr/lib/systemd/system
mount --bind ../units/none usr/lib/systemd/system-generators
mount --bind ../units/enabled etc/systemd/system
for name in sysinit basic multi-user sockets shutdown network; do printf "[Unit]\\nDefaultDependencies=no\\n" >"usr/lib/systemd/system/$name.target"; done
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir run/cgroup
mount --rbind /sys/fs/cgroup run/cgroup
ip link set lo up
pivot_root . mnt
umount -l /mnt
exec env -i container=warden-test ${PATH} /lib/systemd/systemd --unit=multi-user.target --log-target=null --show-status=no </dev/null`.replaceAll("'", `'\\''`)}' bash "$3"`;

export class FreshRoot implements Place {
  readonly enter: readonly string[];
  readonly #directory: string;
  readonly #group: string;
  readonly #unshare: ChildProcess;
  readonly #pid: number;

  private constructor(directory: string, group: string, unshare: ChildProcess, pid: number) {
    this.#directory = directory;
    this.#group = group;
    this.#unshare = unshare;
    this.#pid = pid;
    this.enter = ['nsenter', '--target', String(pid), '--pid', '--mount', '--net', 'env', '-i', 'LC_ALL=C.UTF-8', 'TERM=dumb', PATH];
  }

  static async open(slot: Slot): Promise<FreshRoot> {
    const directory = join(slot.directory, 'machine');
    // What is copied of /etc may be for root alone.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of ['root', 'changed', 'work', 'units']) mkdirSync(join(directory, name));
    const group = join(existsSync(join(CGROUP_ROOT, 'unified')) ? join(CGROUP_ROOT, 'unified') : CGROUP_ROOT, `${slot.cgroupParent}-init`);
    // Of a test that was killed.
    if (existsSync(group)) await untilSeen('end of an earlier fresh root', () => removeGroups(group), () => group);
    mkdirSync(group);
    const child = spawn('bash', ['-c', SETUP, 'bash', directory, group, process.execPath], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    const ended = once(child, 'close').then(([status]) => { throw new Error(`a fresh root could not be made: status ${status}: ${said}`); });
    ended.catch(() => undefined);
    return await withDeadline(Promise.race([FreshRoot.#started(directory, group, child), ended]), READY_MS, 'a fresh root');
  }

  /** systemd is there when its first process has its name, and takes orders when it has made its socket. */
  static async #started(directory: string, group: string, child: ChildProcess): Promise<FreshRoot> {
    const first = (): number => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ')[0] ?? 0);
    const ready = (): boolean => {
      try {
        return first() > 0 && readFileSync(`/proc/${first()}/comm`, 'utf8') === 'systemd\n' && existsSync(`/proc/${first()}/root/run/systemd/private`);
      } catch {
        return false;
      }
    };
    await untilSeen('systemd in a fresh root', () => ready() || child.exitCode !== null, () => directory, READY_MS);
    return new FreshRoot(directory, group, child, first());
  }

  /** The same file, from outside. */
  path(inside: string): string {
    return `/proc/${this.#pid}/root${inside}`;
  }

  read(inside: string): string {
    return readFileSync(this.path(inside), 'utf8');
  }

  write(inside: string, text: string): void {
    writeFileSync(this.path(inside), text);
  }

  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
    return await mustRun(program, args, { ...options, place: this });
  }

  async attempt(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return await runProgram(program, args, { ...options, place: this });
  }

  /** Every entry but directories that is not as on a machine that has just been made, in the root's own names; `/…` of what was removed, too. */
  entries(): Set<string> {
    const found = new Set<string>();
    const walk = (directory: string, inside: string): void => {
      for (const name of readdirSync(directory)) {
        const path = join(directory, name);
        if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) walk(path, `${inside}/${name}`);
        else found.add(`${inside}/${name}`);
      }
    };
    walk(join(this.#directory, 'changed'), '');
    walk(join(this.#directory, 'units/installed'), '/usr/lib/systemd/system');
    walk(join(this.#directory, 'units/enabled'), '/etc/systemd/system');
    for (const name of ['var', 'home', 'opt', 'srv', 'root', 'mnt']) walk(join(this.#directory, 'root', name), `/${name}`);
    for (const name of readdirSync(this.path('/run'))) if (name !== 'cgroup' && name !== 'systemd') found.add(`/run/${name}`);
    return found;
  }

  /** Mounts of the root below a path. */
  mountsBelow(inside: string): string[] {
    return readFileSync(`/proc/${this.#pid}/mounts`, 'utf8').split('\n').map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${inside}/`));
  }

  /** Command lines of its processes, without systemd. */
  async processes(): Promise<string[]> {
    const lines = await this.run('ps', ['-e', '-o', 'pid=,args=']);
    return lines.trim().split('\n').map((line) => line.trim()).filter((line) => !/^1 |^\d+ (ps |env .* ps )/.test(line));
  }

  /** Ends all of its processes; its mounts go with the last. */
  async close(): Promise<void> {
    const ended = once(this.#unshare, 'exit');
    process.kill(this.#pid, 'SIGKILL');
    await ended;
    await untilSeen('end of a fresh root', () => removeGroups(this.#group), () => this.#group);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A group goes when the last of its processes has been waited for. */
function removeGroups(path: string): boolean {
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory() && !removeGroups(join(path, entry.name))) return false;
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
