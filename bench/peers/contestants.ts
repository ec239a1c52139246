/* What takes turns: each way to use a peer, warden, and the floor, and what is known of them meanwhile. */
import type { WardenClient } from 'warden-client';
import type { Floor } from '../floor.js';
import { runTrue } from '../lifecycle.js';
import { timed } from '../measurement.js';
import { descendants, proportionalOf } from '../process-memory.js';
import type { ProcessMemory } from '../process-memory.js';
import type { Peer, Subject } from './peer.js';
import { emptyPeerSamples, measureSteps, summarizeSamples } from './samples.js';
import type { PeerRow, PeerSamples } from './samples.js';
import type { World } from './world.js';

/** Beside which the memory of helpers is divided by their number. */
const IDLE_CONTAINERS = 5;

/** One row while it is measured. */
export interface Contestant {
  readonly name: string;
  readonly version?: string;
  readonly network: string;
  readonly samples: PeerSamples;
  lifecycle(name: string): Promise<void>;
  /** MiB. */
  helpers?(): Promise<number>;
  daemonsInMib?: number;
  helpersInMib?: number;
  failure?: string;
}

export function sumInMib(processes: readonly ProcessMemory[], names: RegExp): number {
  return processes.filter(({ name }) => names.test(name)).reduce((total, { pssInKib }) => total + pssInKib, 0) / 1024;
}

export function contestantOf(peer: Peer, version: string, subject: Subject, world: World): Contestant {
  const samples = emptyPeerSamples();
  const common = { name: peer.name, version, network: subject.network, samples };
  if ('whole' in subject) return { ...common, lifecycle: async (name) => { samples.whole.push(await subject.whole(name)); } };
  const { helpers: names } = subject;
  return {
    ...common,
    lifecycle: (name) => measureSteps(samples, { create: () => subject.create(name), run: () => subject.run(name), destroy: () => subject.destroy(name) }),
    helpers: async () => {
      if (names === undefined) return 0;
      const idle = Array.from({ length: IDLE_CONTAINERS }, (_, index) => `idle${index}`);
      for (const name of idle) await subject.create(name);
      const memory = sumInMib(descendants(world.pid), names) / idle.length;
      for (const name of idle) await subject.destroy(name);
      return memory;
    },
  };
}

export function wardenContestant(client: WardenClient, daemon: number): Contestant {
  const samples = emptyPeerSamples();
  return {
    name: 'warden', network: 'veth, closed until it is opened', samples, daemonsInMib: proportionalOf(daemon) / 1024 + sumInMib(descendants(daemon), /^launcher/),
    lifecycle: async () => {
      let handle = '';
      await measureSteps(samples, {
        create: () => timed(async () => { ({ handle } = await client.create()); }), run: () => timed(() => runTrue(client, handle)), destroy: () => timed(() => client.destroy({ handle })),
      });
    },
    helpers: async () => {
      const handles: string[] = [];
      while (handles.length < IDLE_CONTAINERS) handles.push((await client.create()).handle);
      const memory = sumInMib(descendants(daemon), /^(?:monitor|wshd)/) / handles.length;
      for (const handle of handles) await client.destroy({ handle });
      return memory;
    },
  };
}

export function floorContestant(floor: Floor): Contestant {
  const samples = emptyPeerSamples();
  return {
    name: 'the floor', network: 'veth, closed', samples,
    lifecycle: async () => {
      const { create, run, destroy } = await floor.lifecycles(1, 'true');
      const only = ([value = 0]: readonly number[]): (() => Promise<number>) => () => Promise.resolve(value);
      await measureSteps(samples, { create: only(create), run: only(run), destroy: only(destroy) });
    },
  };
}

/** The row of it. */
export function rowOf({ name, version, network, samples, helpersInMib, daemonsInMib, failure }: Contestant): PeerRow {
  return {
    name, network, ...(version === undefined ? {} : { version }), ...(failure === undefined ? summarizeSamples(samples) : { reason: failure }),
    ...(helpersInMib === undefined ? {} : { helpersInMib }), ...(daemonsInMib === undefined ? {} : { daemonsInMib }),
  };
}
