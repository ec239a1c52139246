/**
 * Disk limits by quotas of the file system that the depot is on: containers' files stay in their own directories. A project for each
 * container counts every file of its upper layer, whoever owns it; the monitor makes it (native/monitor/layer-quota.c). A user's quota counts what
 * vcap owns, and another one what the container's root owns, each up to the limit; other owners are not limited.
 */
import { WardenError } from 'warden-protocol';
import type { ContainerDisk, DiskLimits, DiskState } from '../disk.js';
import type { DiskBackend } from './disk-backend.js';
import type { LauncherProcess } from './launcher.js';
import type { Quota, QuotaOrder } from './quota-messages.js';

const blockInBytes = 1024n;
/** Of nobody: whether there are quotas can be asked of any id. */
const anyId = 0xffff_fffe;
const noLimits: DiskLimits = { bytes: 0n, inodes: 0n };

type QuotaLauncher = Pick<LauncherProcess, 'quota'>;

function limitsOf({ bytes, inodes }: Partial<DiskLimits>): Pick<QuotaOrder, 'blockLimit' | 'inodeLimit'> {
  return {
    ...(bytes === undefined ? {} : { blockLimit: (bytes + blockInBytes - 1n) / blockInBytes }),
    ...(inodes === undefined ? {} : { inodeLimit: inodes }),
  };
}

function stateOf({ blockLimit, inodeLimit, bytesUsed, inodesUsed }: Quota): DiskState {
  return { limits: { bytes: blockLimit * blockInBytes, inodes: inodeLimit }, usage: { bytes: bytesUsed, inodes: inodesUsed } };
}

abstract class QuotaDisks implements DiskBackend {
  abstract readonly name: QuotaOrder['kind'];
  protected abstract readonly mountOption: string;

  constructor(
    private readonly depotPath: string,
    protected readonly launcher: QuotaLauncher,
  ) {}

  /** @throws what says that such quotas are not there, or only count */
  async prepare(): Promise<void> {
    const { name: kind, depotPath: path } = this;
    const { enforced } = await this.launcher.quota({ path, kind, id: anyId });
    if (!enforced) throw new WardenError('unsupported', `${kind} quotas of ${path} are only counted, not enforced: mount the file system with ${this.mountOption}`);
  }

  abstract limit(disk: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState>;

  readonly release = async (disk: ContainerDisk): Promise<void> => {
    await this.limit(disk, noLimits);
  };
}

export class ProjectDisks extends QuotaDisks {
  readonly name = 'project';
  protected readonly mountOption = 'prjquota';

  async limit({ upper }: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    return stateOf(await this.launcher.quota({ path: upper, kind: this.name, ...limitsOf(change) }));
  }
}

export class UserDisks extends QuotaDisks {
  readonly name = 'user';
  protected readonly mountOption = 'usrquota';

  async limit({ upper, uid, rootUid }: ContainerDisk, change: Partial<DiskLimits>): Promise<DiskState> {
    const ids = rootUid === undefined ? [uid] : [uid, rootUid];
    const states = await Promise.all(ids.map(async (id) => stateOf(await this.launcher.quota({ path: upper, kind: this.name, id, ...limitsOf(change) }))));
    return states.reduce(({ limits, usage }, other) => ({ limits, usage: { bytes: usage.bytes + other.usage.bytes, inodes: (usage.inodes ?? 0n) + (other.usage.inodes ?? 0n) } }));
  }
}
