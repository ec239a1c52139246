/* What requests cost among a number of live containers: the whole list, infos and runs of containers taken at random, pings. */
import { listPages, WardenClient } from 'warden-client';
import { runTrue } from './lifecycle.js';
import { timed } from './measurement.js';
import type { Server } from './server.js';
import { median } from './statistics.js';

const LISTS = 15;
const REQUESTS = 200;
const RUNS = 60;

export const requestNames = ['list', 'list with details', 'list with details in pages', 'info', 'run `true`', 'ping'] as const;
export type RequestName = (typeof requestNames)[number];

export interface RequestsAmong {
  readonly count: number;
  /** Microseconds, medians. */
  readonly times: Readonly<Record<RequestName, number>>;
  /** Milliseconds, the longest, during each of them. */
  readonly eventLoop: Readonly<Record<RequestName, number>>;
}

/** The same containers in every run. */
function chooserOf(handles: readonly string[]): () => string {
  let at = 1;
  return () => {
    at = (at * 7919 + 104_729) % handles.length;
    return handles[at] as string;
  };
}

export async function measureRequestsAmong(server: Server): Promise<RequestsAmong> {
  const client = await WardenClient.connect({ path: server.socket });
  const { handles } = await client.list();
  const choose = chooserOf(handles);
  const calls: Readonly<Record<RequestName, { readonly times: number; readonly call: () => Promise<unknown> }>> = {
    'list': { times: LISTS, call: () => client.list() },
    'list with details': { times: LISTS, call: () => client.list({ details: true }) },
    'list with details in pages': { times: LISTS, call: () => listPages(client, []) },
    'info': { times: REQUESTS, call: () => client.info({ handle: choose() }) },
    'run `true`': { times: RUNS, call: () => runTrue(client, choose()) },
    'ping': { times: REQUESTS, call: () => client.ping() },
  };
  const times: Partial<Record<RequestName, number>> = {};
  const eventLoop: Partial<Record<RequestName, number>> = {};
  for (const name of requestNames) {
    const samples: number[] = [];
    await calls[name].call();
    await server.eventLoopDelay();
    for (let index = 0; index < calls[name].times; index++) samples.push(await timed(calls[name].call));
    eventLoop[name] = await server.eventLoopDelay();
    times[name] = median(samples);
  }
  await client.close();
  return { count: handles.length, times: times as Record<RequestName, number>, eventLoop: eventLoop as Record<RequestName, number> };
}
