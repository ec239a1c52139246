/**
 * A container's snapshot: what a restarted server needs to know and cannot learn from the monitor. Versioned JSON, replaced
 * as a whole by a new file and a rename. Containers die with the machine's boot, so the boot id tells whether one can live.
 */
import type * as zod from 'zod';
import { isContainerId } from '../lib/container-id.js';
import { z } from '../lib/zod.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';

const snapshotVersion = 1;

const snapshotSchema = z.strictObject({
  version: z.literal(snapshotVersion),
  bootId: z.string(),
  id: z.string().refine(isContainerId),
  handle: z.string().min(1),
  state: z.enum(['active', 'stopped']),
  events: z.array(z.string()),
  /** First address of the /30. */
  network: z.int().min(0).max(0xffff_ffff),
  uid: z.int().min(1).max(65_534),
  /** What the interfaces are named by. */
  linkName: z.string().min(1).max(11),
  mtu: z.int(),
  rootfsPath: z.string(),
  graceTimeMs: z.number().nullable(),
});

export type Snapshot = zod.output<typeof snapshotSchema>;

export function snapshotOf(container: Container, bootId: string): string {
  const { link } = container;
  const snapshot: Snapshot = {
    version: snapshotVersion,
    bootId,
    id: container.id,
    handle: container.handle,
    state: container.state === 'stopped' ? 'stopped' : 'active',
    events: [...container.events],
    network: container.network.network,
    uid: container.identity.uid,
    linkName: link.hostName.slice('w-'.length, -'-0'.length),
    mtu: link.mtu,
    rootfsPath: container.rootfsPath,
    graceTimeMs: container.graceTimeMs,
  };
  return `${JSON.stringify(snapshot)}\n`;
}

/** The snapshot in a text, or the reason why there is none; with the version when that is newer than this server's. */
export function parseSnapshot(text: string): { snapshot: Snapshot } | { reason: string; newerVersion?: number } {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return { reason: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const checked = snapshotSchema.safeParse(document);
  if (checked.success) return { snapshot: checked.data };
  const [issue] = checked.error.issues;
  const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not match'}`;
  const version: unknown = typeof document === 'object' && document !== null && 'version' in document ? document.version : undefined;
  return typeof version === 'number' && version > snapshotVersion ? { reason, newerVersion: version } : { reason };
}

/** Handle and uid in a text that is no snapshot, as far as they can be made out. */
export function guessFromDamaged(text: string): { handle: string | undefined; uid: number | undefined } {
  const handle = /"handle":("(?:[^"\\\\]|\\\\.)+")/.exec(text)?.[1];
  const uid = /"uid":(\d{1,5})\b/.exec(text)?.[1];
  return { handle: handle === undefined ? undefined : parseText(handle), uid: uid === undefined ? undefined : Number(uid) };
}

function parseText(literal: string): string | undefined {
  try {
    return String(JSON.parse(literal));
  } catch {
    return undefined;
  }
}

/** Records a change that a restarted server has to know. */
export function recordState(containers: Containers, container: Container): void {
  if (container.state !== 'active' && container.state !== 'stopped') return;
  if (container.lastInfo !== undefined) return;
  containers.host.depot.writeSnapshot(container.id, snapshotOf(container, containers.host.bootId));
}
