/* Both ends of a container's link, and the places they are in: for what a program of the host does there with all its rights, which no job has. */
import assert from 'node:assert/strict';
import type { CreateOptions } from './client.js';
import type { ServerFixture } from './fixture.js';
import { mustRun } from './run-program.js';
import type { Place } from './run-program.js';
import type { Witness } from './witness.js';

export interface End { readonly place: Place; readonly name: string; readonly mac: string; readonly ip: string }

/** Packets between namespaces wait in the queue of the processor that sent them: what is sent from the same one later arrives later. */
const ONE_PROCESSOR = ['taskset', '--cpu-list', '0'];
const MARK_PORT = 9;

export async function macOf(place: Place, name: string): Promise<string> {
  const [link] = JSON.parse(await mustRun('ip', ['-json', 'link', 'show', 'dev', name], { place })) as { address: string }[];
  assert.ok(link);
  return link.address;
}

/** A new container's; its handle has to be short enough to name the interfaces. */
export async function linkEnds(server: ServerFixture, handle: string, options: CreateOptions = {}): Promise<{ inside: End; outside: End }> {
  const { client } = await server.container({ ...options, handle });
  const { host_ip, container_ip } = await client.info(handle);
  const [pid = 0] = await server.pidsOf(handle);
  const inside: Place = { enter: ['nsenter', '--net', '--target', String(pid)] };
  const outside = server.place;
  return {
    inside: { place: inside, name: `w-${handle}-1`, mac: await macOf(inside, `w-${handle}-1`), ip: container_ip },
    outside: { place: outside, name: `w-${handle}-0`, mac: await macOf(outside, `w-${handle}-0`), ip: host_ip },
  };
}

/** Runs a program on the processor from which marks are sent. */
export async function runInOrder(place: Place, program: string, args: readonly string[]): Promise<string> {
  const [first = '', ...rest] = [...ONE_PROCESSOR, program, ...args];
  return await mustRun(first, rest, { place });
}

/** When this has arrived everywhere, what was sent before has, too, or never will. */
export async function mark(from: Place, to: readonly (readonly [Witness, string])[]): Promise<void> {
  const text = `mark-${Math.random().toString(36).slice(2)}`;
  for (const [, address] of to) await runInOrder(from, 'bash', ['-c', `echo ${text} > /dev/udp/${address}/${MARK_PORT}`]);
  for (const [each] of to) await each.sees(text);
}
