/*
 * A network namespace of a test: a machine of its own as far as the network goes, where a flush or a foreign firewall hurts nobody else. It exists
 * as long as the process that holds it, which ends with its standard input, and so with the test's process.
 *
 * /sys/class/net shows the namespace that sysfs was mounted in. So the holder has a mount namespace, too, in which these directories are
 * those of its network; there is nothing else in it that differs, and what other tests have mounted is let go.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mustRun, runProgram } from './run-program.js';
import type { Finished, Place } from './run-program.js';
import { withDeadline } from './wait.js';

const HOLDER = `set -e
awk '$5 ~ "^/(var/)?tmp/" { print $5 }' /proc/self/mountinfo | tac | xargs --no-run-if-empty --max-args=1 umount --lazy
mount -t sysfs sysfs /mnt
mount --bind /mnt/class/net /sys/class/net
mount --bind /mnt/devices/virtual/net /sys/devices/virtual/net
umount /mnt
ip link set lo up
echo ready
exec cat`;

export class NetworkNamespace implements Place {
  /** Put in front of a command line: it runs here then. */
  readonly enter: readonly string[];
  readonly pid: number;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder;
    this.pid = pid;
    this.enter = ['nsenter', '--target', String(pid), '--net', '--mount'];
  }

  static async open(): Promise<NetworkNamespace> {
    const holder = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'bash', '-c', HOLDER], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(holder, 'exit').then(([status]) => { throw new Error(`a network namespace could not be made: status ${status}`); });
    if (holder.stdout === null || holder.pid === undefined) throw new Error('unshare could not be started');
    await withDeadline(Promise.race([once(holder.stdout, 'data'), ended]), 10_000, 'a network namespace');
    ended.catch(() => undefined);
    return new NetworkNamespace(holder, holder.pid);
  }

  /** Runs a program here; anything but exit status 0 is an error. */
  async run(program: string, args: readonly string[], options: { readonly input?: string } = {}): Promise<string> {
    return await mustRun(program, args, { ...options, place: this });
  }

  /** The same, and the caller judges how it ended. */
  async attempt(program: string, args: readonly string[], options: { readonly input?: string; readonly timeoutMs?: number } = {}): Promise<Finished> {
    return await runProgram(program, args, { ...options, place: this });
  }

  /** Whatever still runs here keeps it. */
  async close(): Promise<void> {
    const ended = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
    await ended;
  }
}
