/** Processes and threads of a container's groups: pids.max, the same in both versions. */
import type { PidsLimits } from '../limits.js';
import { readGroupFile, requireGroup, writeGroupFile, type ControllerGroup } from './group-file.js';

/** Where the containers' groups are. */
export interface PidsGroups {
  groupOf(containerId: string, controller: 'pids'): ControllerGroup | undefined;
}

const file = 'pids.max';
const none = 'max';

export class LinuxPidsLimits implements PidsLimits {
  constructor(private readonly groups: PidsGroups) {}

  read(containerId: string): bigint | undefined {
    const text = readGroupFile(this.#group(containerId), file);
    return text === none ? undefined : BigInt(text);
  }

  write(containerId: string, limit: bigint | undefined): void {
    writeGroupFile(this.#group(containerId), file, limit === undefined ? none : String(limit));
  }

  #group(containerId: string): ControllerGroup {
    return requireGroup(this.groups.groupOf(containerId, 'pids'), 'pids');
  }
}
