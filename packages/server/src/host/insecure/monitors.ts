/** Monitors of plain processes: the same programs and messages as for Linux containers, but everybody is the server's own user, and paths begin elsewhere. */
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { JobDescription, Monitor, Monitors } from '../monitor.js';
import type { TransferOrder } from '../transfer.js';
import type { OwnUser } from './own-user.js';
import { homePath, inRoot, onMachine } from './places.js';
import { listProcesses } from './processes.js';

/** RLIM_INFINITY: what the server itself may have is as much. */
const infinity = 2n ** 64n - 1n;
/** Users that every container has, by the names that requests know. */
const knownUsers: ReadonlySet<string> = new Set(['vcap', 'root']);

export class InsecureMonitors implements Monitors {
  constructor(
    private readonly monitors: Monitors,
    private readonly directoryOf: (containerId: string) => string,
    private readonly user: OwnUser,
  ) {}

  open(containerId: string, isFound?: boolean): Monitor {
    const monitor = this.monitors.open(containerId, isFound);
    const directory = this.directoryOf(containerId);
    const plain = (job: JobDescription): JobDescription => plainJob(job, directory, this.user);
    return {
      rename: (name) => monitor.rename(name),
      spawn: async (job) => monitor.spawn(plain(job)),
      spawnFollowed: async (job, sink, upToInBytes) => monitor.spawnFollowed(plain(job), sink, upToInBytes),
      follow: (jobId, sink, wish) => monitor.follow(jobId, sink, wish),
      readOutput: (jobId, range, sink) => monitor.readOutput(jobId, range, sink),
      writeInput: (jobId, data, close) => monitor.writeInput(jobId, data, close),
      resize: (jobId, rows, columns) => monitor.resize(jobId, rows, columns),
      signalJob: (jobId, signal) => monitor.signalJob(jobId, signal),
      forget: (jobId) => monitor.forget(jobId),
      transfer: (order, sink) => order.operation === 'processes' ? listProcesses(join(directory, 'run/monitor.pid'), order.entryLimit, sink) : monitor.transfer(plainTransfer(order, directory, this.user), sink),
      list: () => monitor.list(),
      vcapUid: () => monitor.vcapUid(),
      isGone: () => monitor.isGone(),
      endAll: (signal, deadlineMs) => monitor.endAll(signal, deadlineMs),
      watch: (receive, lost) => monitor.watch(receive, lost),
      destroy: (deadlineMs, order) => monitor.destroy(deadlineMs, order),
      close: () => monitor.close(),
    };
  }
}

/** @throws WardenError unsupported */
function requireKnownUser(name: string | undefined, user: OwnUser): void {
  if (name === undefined || knownUsers.has(name) || name === user.name || name === String(user.uid)) return;
  throw new WardenError('unsupported', `user ${name}: plain processes (server.container_klass: Insecure) are all of the server's own user, ${user.name}`);
}

/** Pure. @throws WardenError unsupported for a user that the server is not */
export function plainJob(job: JobDescription, directory: string, user: OwnUser): JobDescription {
  requireKnownUser(job.userName, user);
  const { workingDirectory, requireDirectory } = job;
  return {
    ...job,
    environment: environmentOf(job.environment, onMachine(directory, homePath), user),
    // One that the request does not name is the home, whoever it was to be.
    workingDirectory: onMachine(directory, requireDirectory && workingDirectory !== undefined ? workingDirectory : homePath),
    userName: undefined,
    uid: user.uid,
    gid: user.gid,
    privileged: false,
    rlimits: job.rlimits.filter(({ hard }) => hard !== infinity),
  };
}

/** What the request says itself stays; what every job has is where it is here, and who it is. */
function environmentOf(environment: readonly string[], home: string, { name }: OwnUser): string[] {
  const usual = new Map([['HOME=/home/vcap', `HOME=${home}`], ['HOME=/root', `HOME=${home}`], ['USER=vcap', `USER=${name}`], ['USER=root', `USER=${name}`]]);
  const mapped = environment.map((variable) => usual.get(variable) ?? variable);
  for (const variable of [`HOME=${home}`, `USER=${name}`]) {
    const prefix = variable.slice(0, variable.indexOf('=') + 1);
    if (!mapped.some((each) => each.startsWith(prefix))) mapped.push(variable);
  }
  return mapped;
}

/** Pure. @throws WardenError unsupported */
export function plainTransfer(order: TransferOrder, directory: string, user: OwnUser): TransferOrder {
  if ('name' in order.user) requireKnownUser(order.user.name, user);
  const { target } = order;
  return {
    ...order,
    user: { uid: user.uid, gid: user.gid, privileged: false, home: homePath },
    path: inRoot(directory, order.path),
    // Of an archive it is a name, not a path.
    target: target === undefined || order.operation !== 'rename' ? target : inRoot(directory, target),
  };
}
