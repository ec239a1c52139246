/*
 * `--peers`: other container systems next to warden and the floor, in the same run and in turns. One that cannot be had or fails is a row that tells
 * why, in its own words.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WardenClient } from 'warden-client';
import { measureLifecycles } from '../lifecycle.js';
import type { Surroundings } from '../measurement.js';
import { descendants } from '../process-memory.js';
import { allPeers } from './all.js';
import { removeAllGroups } from './cgroups.js';
import { contestantOf, floorContestant, rowOf, sumInMib, wardenContestant } from './contestants.js';
import type { Contestant } from './contestants.js';
import { pack, packImage } from './image.js';
import { peerNames } from './names.js';
import type { PeerName } from './names.js';
import { preparePackages } from './packages.js';
import type { PeerPackages } from './packages.js';
import type { Images, Peer } from './peer.js';
import type { PeerRow } from './samples.js';
import { World } from './world.js';

const PAUSE_MS = 200;

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

/** Those of one peer: opened and ready, or with the reason why not. */
async function prepare(peer: Peer, packages: PeerPackages, directory: string, images: Images): Promise<{ contestants: Contestant[]; world?: World; failure?: string }> {
  let world: World | undefined;
  try {
    world = await World.open(peer, directory, packages.tree);
    const subjects = await peer.prepare(world, images);
    const contestants = subjects.map((subject) => contestantOf(peer, packages.version(peer.packages[0] ?? peer.name), subject, world as World));
    // Before a container has been there.
    if (peer.daemons !== undefined && contestants[0] !== undefined) contestants[0].daemonsInMib = sumInMib(descendants(world.pid), peer.daemons);
    return { contestants, world };
  } catch (error) {
    await world?.close();
    return { contestants: [], failure: messageOf(error) };
  }
}

/** A step of one contestant, whose failure is in its row and nobody else's. */
async function attempt(contestant: Contestant, work: () => Promise<void>): Promise<void> {
  if (contestant.failure !== undefined) return;
  try {
    await work();
  } catch (error) {
    contestant.failure = messageOf(error);
    process.stderr.write(`${contestant.name}, ${contestant.network}: ${contestant.failure}\n`);
  }
}

/** A lifecycle that is not counted. */
async function rehearse(contestant: Contestant, name: string): Promise<void> {
  const all = Object.values(contestant.samples) as number[][];
  const counted = all.map((values) => values.length);
  await attempt(contestant, () => contestant.lifecycle(name));
  for (const [index, values] of all.entries()) values.length = counted[index] ?? 0;
}

async function race(contestants: readonly Contestant[], { peerTurns, peerLifecyclesPerTurn }: Surroundings['sizes']): Promise<void> {
  let count = 0;
  const name = (): string => `bench${count++}`;
  // The first of each reads programs from the disk and makes what is made once.
  for (const contestant of contestants) await rehearse(contestant, name());
  for (let turn = 0; turn < peerTurns; turn++) {
    for (const contestant of turn % 2 === 0 ? contestants : [...contestants].reverse()) {
      // What the one before has left to the kernel, and the caches that it has taken, are not this one's.
      await sleep(PAUSE_MS);
      await rehearse(contestant, name());
      for (let index = 0; index < peerLifecyclesPerTurn; index++) await attempt(contestant, () => contestant.lifecycle(name()));
    }
  }
  for (const contestant of contestants) await measureHelpers(contestant);
}

/** Its times were taken before: they stay when this fails. */
async function measureHelpers(contestant: Contestant): Promise<void> {
  const { helpers, failure, name, network } = contestant;
  if (helpers === undefined || failure !== undefined) return;
  try {
    contestant.helpersInMib = await helpers();
  } catch (error) {
    process.stderr.write(`${name}, ${network}: memory beside idle containers: ${messageOf(error)}\n`);
  }
}

export async function peers(surroundings: Surroundings, selected: ReadonlySet<PeerName>): Promise<{ rows: PeerRow[]; samples: Record<string, readonly number[]> }> {
  const directory = `${surroundings.directory}/peers`;
  const chosen = peerNames.filter((name) => selected.has(name)).map((name) => allPeers[name]);
  rmSync(directory, { recursive: true, force: true });
  removeAllGroups();
  const packages = await preparePackages(chosen);
  const { failures } = packages;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const images: Images = { rootFileSystem: surroundings.rootFileSystem, archive: `${directory}/rootfs.tar`, image: `${directory}/image.tar` };
  pack(images.rootFileSystem.directory, images.archive);
  packImage(images.archive, images.image, `${directory}/layout`);
  const client = await WardenClient.connect({ path: surroundings.server.socket });
  // A daemon compiles its code once in its life, as everywhere in this benchmark.
  await measureLifecycles(client, { create: [], run: [], destroy: [] }, surroundings.sizes.warmUpLifecycles, 0);
  const contestants = [wardenContestant(client, surroundings.server.pid), floorContestant(surroundings.floor)];
  const worlds: World[] = [];
  try {
    for (const peer of chosen) {
      if (failures.has(peer.name)) continue;
      const { contestants: ready, world, failure } = await prepare(peer, packages, directory, images);
      if (world !== undefined) worlds.push(world);
      if (failure !== undefined) failures.set(peer.name, failure);
      contestants.push(...ready);
    }
    await race(contestants, surroundings.sizes);
  } finally {
    for (const world of worlds) await world.close();
    await client.close();
    removeAllGroups();
    rmSync(directory, { recursive: true, force: true });
  }
  const samples = Object.fromEntries(contestants.flatMap(({ name, network, samples: taken }) =>
    (Object.entries(taken) as [string, number[]][]).map(([step, values]) => [`peers: ${name}, ${network}, ${step}`, values] as const)));
  return { rows: [...contestants.map(rowOf), ...[...failures].map(([name, reason]): PeerRow => ({ name, reason }))], samples };
}
