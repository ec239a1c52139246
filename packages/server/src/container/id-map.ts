/**
 * The map of a container's user and group ids to the host's. Container root and everybody else get a range of ids that
 * belongs to nobody on the host; vcap's uid is the same number on both sides, so that files of vcap look alike from
 * everywhere. Pure.
 */
import type { IdMapExtent } from '../host/container-description.js';
import type { ContainerIdentity } from '../pool/uid-pool.js';

/** Number of ids in a container: 0 to 65535. */
const idCount = 65_536;

/** Without a user namespace. */
export const hostIds: readonly IdMapExtent[] = [{ inside: 0, outside: 0, count: idCount }];

export function idMapOf({ uid, firstSubuid }: ContainerIdentity): IdMapExtent[] {
  const extents: IdMapExtent[] = [
    { inside: 0, outside: firstSubuid, count: 1 },
    { inside: 1, outside: firstSubuid + 1, count: uid - 1 },
    { inside: uid, outside: uid, count: 1 },
    { inside: uid + 1, outside: firstSubuid + uid + 1, count: idCount - 1 - uid },
  ];
  return extents.filter((extent) => extent.count > 0);
}
