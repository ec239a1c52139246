/* Many clients at once, each with a connection of its own. Every answer is looked at: one that is missing or not its own fails the run. */
import { WardenClient } from 'warden-client';

const SHARED_CONTAINERS = 8;

function expect(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

/** Milliseconds of each client from its first request to its last answer, and of all together. */
export interface Finished { readonly each: number[]; readonly all: number }

async function withClients(socket: string, count: number, work: (client: WardenClient, number: number) => Promise<void>): Promise<Finished> {
  const clients = await Promise.all(Array.from({ length: count }, () => WardenClient.connect({ path: socket })));
  const begin = performance.now();
  const each = await Promise.all(clients.map(async (client, number) => {
    await work(client, number);
    return performance.now() - begin;
  }));
  const all = performance.now() - begin;
  await Promise.all(clients.map((client) => client.close()));
  return { each, all };
}

async function echoes(client: WardenClient, handle: string, word: string): Promise<void> {
  const { stdout, exitStatus } = await client.run({ handle, script: `echo ${word}` });
  expect(`status of the job of ${word}`, exitStatus, 0);
  expect(`output of the job of ${word}`, Buffer.from(stdout).toString(), `${word}\n`);
}

/** Each makes, uses and destroys containers of its own. */
export function lifecyclesOf(socket: string, count: number, lifecycles: number): Promise<Finished> {
  return withClients(socket, count, async (client, number) => {
    for (let lifecycle = 0; lifecycle < lifecycles; lifecycle++) {
      const name = `load-${number}-${lifecycle}`;
      const { handle } = await client.create({ handle: name });
      expect('handle', handle, name);
      await echoes(client, handle, name);
      const { state } = await client.info({ handle });
      expect(`state of ${name}`, state, 'active');
      await client.destroy({ handle });
    }
  });
}

/** Each runs jobs in one of a few containers. */
export async function runsOf(socket: string, count: number, runs: number): Promise<Finished> {
  const owner = await WardenClient.connect({ path: socket });
  const handles = await Promise.all(Array.from({ length: SHARED_CONTAINERS }, async () => (await owner.create()).handle));
  try {
    return await withClients(socket, count, async (client, number) => {
      for (let run = 0; run < runs; run++) await echoes(client, handles[number % handles.length] ?? '', `word-${number}-${run}`);
    });
  } finally {
    for (const handle of handles) await owner.destroy({ handle });
    await owner.close();
  }
}
