/**
 * A container's snapshot: what a restarted server needs to know and cannot learn from the monitor. One line of versioned JSON
 * and one with its CRC-32. Without the checksum a flipped bit could make another uid, another boot or a newer version of it; with it
 * there is only the text that was written, or a damaged one. A file has them one behind the other, and the last one counts, or the one before it when
 * its writer was killed in the middle of it. It holds no path of the depot, which may be moved. Containers die with the machine's boot, so the boot id tells
 * whether one can live.
 */
import { crc32 } from 'node:zlib';
import { NetOutProtocol } from 'warden-protocol';
import type * as zod from 'zod';
import type { ContainerImage } from '../host/image.js';
import type { NetOutRule } from '../host/net-out-rule.js';
import { isContainerId } from '../lib/container-id.js';
import { parseDigest, type Digest } from '../lib/digest.js';
import { diskBackendNames } from '../lib/disk-backend-names.js';
import { parseDomainPattern } from '../lib/domain-name.js';
import { lastPort } from '../lib/port.js';
import { z } from '../lib/zod.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { checkNetOut, netOutFieldsOf, type NetOutFields } from './net-out-rule.js';
import type { FoundName } from './openings.js';

const snapshotVersion = 2;

/** With labels or an end of its life, which a server of version 2 would take for damage; so it refuses the start. */
const versionWithLabels = 3;

/** One that waits for a client, or has waited: a server of version 3 would take it for a client's, or for damage. */
const versionOfWaiting = 4;

/** Version 1 had no checksum. */
const versions: readonly number[] = [1, snapshotVersion, versionWithLabels, versionOfWaiting];

const port = z.int().min(1).max(lastPort);
const decimal = z.string().regex(/^[1-9]\d{0,18}$/);

const digest = z.string().refine((text): text is Digest => parseDigest(text) !== undefined);

const netOutSchema = z.strictObject({
  network: z.string().optional(),
  domain: z.string().optional(),
  port: z.int().optional(),
  portRange: z.string().optional(),
  protocol: z.enum(NetOutProtocol),
  icmpType: z.int().optional(),
  icmpCode: z.int().optional(),
  log: z.literal(true).optional(),
}).refine(isNetOut, 'is not a rule of net_out');

const snapshotSchema = z.strictObject({
  version: z.int().refine((version) => versions.includes(version), 'is not a version of this server'),
  bootId: z.string(),
  id: z.string().refine(isContainerId),
  handle: z.string().min(1),
  state: z.enum(['active', 'stopped']),
  /** Of a stopped one: its processes may not all have ended yet. */
  stopping: z.literal(true).optional(),
  events: z.array(z.string()),
  /** First address of the /30. */
  network: z.int().min(0).max(0xffff_ffff),
  uid: z.int().min(1).max(65_534),
  /** What the interfaces are named by. */
  linkName: z.string().min(1).max(11),
  mtu: z.int(),
  rootfsPath: z.string(),
  /** What it is made of, when that is an image. */
  image: z.strictObject({ id: digest, layers: z.array(digest), environment: z.array(z.string()), user: z.string().optional(), workingDirectory: z.string().optional() }).transform(({ user, workingDirectory, ...image }): ContainerImage => ({ ...image, user, workingDirectory })).optional(),
  /** As the request gave them; none unless given. */
  bindMounts: z.array(z.strictObject({ source: z.string(), destination: z.string(), mode: z.enum(['ro', 'rw']), path: z.string() })).optional(),
  graceTimeMs: z.number().nullable(),
  /** Keys and values, which as an object could be anything; none unless given. */
  labels: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** Monotonic milliseconds of this boot; undefined: it has no ttl. */
  expiresAtMs: z.number().optional(),
  /** When a client got it, in milliseconds since 1970; undefined: its id tells. */
  createdMs: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** It was made in advance, and no client has it. */
  waiting: z.strictObject({ /** Digest of what it was made from (recipe.ts); empty: it is of no use any more. */ recipe: z.string().max(64) }).optional(),
  /** How its disk can be limited; none unless given. */
  diskBackend: z.enum(diskBackendNames).optional(),
  /** Its resolv.conf names its host's end. */
  usesForwarder: z.literal(true).optional(),
  /** Bytes per second and bytes, in decimal. */
  bandwidth: z.strictObject({ rate: decimal, burst: decimal }).optional(),
  /** As the requests gave them; none unless given. */
  netOut: z.array(netOutSchema).optional(),
  /** What its domain rules were answered, when this was written: an address of a name that the pattern covers, open until then in monotonic milliseconds of this boot. */
  foundNames: z.array(z.strictObject({ address: z.int().min(0).max(0xffff_ffff), pattern: z.string().refine((text) => parseDomainPattern(text) === text), untilMs: z.number() })).optional(),
  /** Ports of the host that lead to it. */
  netIn: z.array(z.strictObject({ protocol: z.enum(['tcp', 'udp']), hostPort: port, containerPort: port })).optional(),
});

export type Snapshot = zod.output<typeof snapshotSchema>;

/** @param waiting it is no client's */
export function snapshotOf(container: Container, bootId: string, foundNames: readonly FoundName[] = [], waiting?: Snapshot['waiting']): string {
  const snapshot: Snapshot = {
    version: versionFor(container, waiting !== undefined),
    ...partOfMaking(container, bootId),
    ...partOfClaim(container),
    ...(waiting === undefined ? {} : { waiting }),
    ...(container.bandwidth === undefined ? {} : { bandwidth: { rate: String(container.bandwidth.wanted.rate), burst: String(container.bandwidth.wanted.burst) } }),
    ...(container.netOut.length === 0 ? {} : { netOut: container.netOut.map(netOutRecordOf) }),
    ...(foundNames.length === 0 ? {} : { foundNames: [...foundNames] }),
    ...(container.netIn.length === 0 ? {} : { netIn: [...container.netIn] }),
  };
  return sealSnapshot(JSON.stringify(snapshot));
}

/**
 * Of one that was made in advance, the snapshots that it can have at its claim: most of their text is put together now, while no client waits.
 * @returns that of the same container as a client's
 */
export function claimSnapshots(container: Container, bootId: string): (claimed: Container) => string {
  const made = JSON.stringify({ version: versionOfWaiting, ...partOfMaking(container, bootId) }).slice(0, -1);
  return (claimed) => sealSnapshot(`${made},${JSON.stringify(partOfClaim(claimed)).slice(1)}`);
}

/** What is decided by whoever gets it. */
function partOfClaim({ handle, graceTimeMs, labels, expiresAtMs, createdMs }: Container): Pick<Snapshot, 'handle' | 'graceTimeMs' | 'labels' | 'expiresAtMs' | 'createdMs'> {
  return {
    handle,
    graceTimeMs,
    ...(labels.size === 0 ? {} : { labels: [...labels] }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(createdMs === undefined ? {} : { createdMs }),
  };
}

function partOfMaking(container: Container, bootId: string) {
  const { link } = container;
  return {
    bootId,
    id: container.id,
    state: container.state === 'stopped' ? 'stopped' as const : 'active' as const,
    ...(container.stopping ? { stopping: true as const } : {}),
    events: [...container.events],
    network: container.network.network,
    uid: container.identity.uid,
    linkName: link.hostName.slice('w-'.length, -'-0'.length),
    mtu: link.mtu,
    rootfsPath: container.rootfsPath,
    ...(container.image === undefined ? {} : { image: container.image }),
    ...(container.bindMounts.length === 0 ? {} : { bindMounts: [...container.bindMounts] }),
    ...(container.disk.backend === 'none' ? {} : { diskBackend: container.disk.backend }),
    ...(container.usesForwarder ? { usesForwarder: true as const } : {}),
  };
}

/** The lowest that has all it says: earlier servers can go on with those. */
function versionFor({ labels, expiresAtMs, createdMs }: Container, isWaiting: boolean): number {
  if (isWaiting || createdMs !== undefined) return versionOfWaiting;
  return labels.size === 0 && expiresAtMs === undefined ? snapshotVersion : versionWithLabels;
}

/** Each change of a container writes all its rules, of which at most one is new. */
const netOutRecords = new WeakMap<NetOutRule, zod.output<typeof netOutSchema>>();

function netOutRecordOf(rule: NetOutRule): zod.output<typeof netOutSchema> {
  const known = netOutRecords.get(rule);
  if (known !== undefined) return known;
  const { protocol = NetOutProtocol.TCP, log, ...fields } = netOutFieldsOf(rule);
  const record = { ...fields, protocol, ...(log === true ? { log } : {}) };
  netOutRecords.set(rule, record);
  return record;
}

function isNetOut(fields: NetOutFields): boolean {
  try {
    checkNetOut(fields);
    return true;
  } catch {
    return false;
  }
}

/** A snapshot's document as it is written. */
export function sealSnapshot(document: string): string {
  return `${document}\n${checksumOf(document)}\n`;
}

function checksumOf(document: string): string {
  return `crc32 ${crc32(document).toString(16).padStart(8, '0')}`;
}

/** The snapshot that counts in a text, or the reason why there is none; with the version when that is newer than this server's. */
export function parseSnapshot(text: string): { snapshot: Snapshot } | { reason: string; newerVersion?: number } {
  const { document, isSealed } = lastWhole(text);
  const parsed = parseJson(document);
  if (parsed instanceof Error) return { reason: `is not JSON: ${parsed.message}` };
  const version: unknown = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  if (!isSealed && !(version === 1 && text === `${document}\n`)) return { reason: 'its checksum is wrong' };
  const checked = snapshotSchema.safeParse(parsed);
  if (checked.success) return { snapshot: checked.data };
  const [issue] = checked.error.issues;
  const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not match'}`;
  return typeof version === 'number' && version > versionOfWaiting ? { reason, newerVersion: version } : { reason };
}

/** The last of a text, behind which another may begin. When what follows is anything else, or one before is damaged, there is none that is sealed. */
function lastWhole(text: string): { document: string; isSealed: boolean } {
  const lines = text.split('\n');
  const end = lines.length - 1 - ((lines.length - 1) % 2);
  const [begun = '', checksum = ''] = lines.slice(end);
  if (end === 0 || !checksumOf(begun).startsWith(checksum)) return { document: begun, isSealed: false };
  for (let at = 0; at < end; at += 2) if (checksumOf(lines[at] ?? '') !== lines[at + 1]) return { document: lines[at] ?? '', isSealed: false };
  return { document: lines[end - 2] ?? '', isSealed: true };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
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

/**
 * Writes what is going to be recorded when the container is there, while the launcher makes it: then only its name is left to be given. It counts for
 * nothing until then, so that a failure is none either: recording tries again, and says so.
 */
export function prepareSnapshot({ host, log }: Containers, containerId: string, snapshot: string): void {
  try {
    host.depot.prepareSnapshot(containerId, snapshot);
  } catch (error) {
    log.debug({ container: containerId, err: error }, 'a snapshot could not be written in advance');
  }
}

/** Records a change that a restarted server has to know. */
export function recordState(containers: Containers, container: Container): void {
  if (container.state !== 'active' && container.state !== 'stopped') return;
  if (container.lastInfo !== undefined) return;
  containers.host.depot.writeSnapshot(container.id, snapshotOf(container, containers.host.bootId, containers.names.foundFor(container.link.containerAddress)));
}
