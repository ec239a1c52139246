// A program of somebody else's, in one file: every client against the mock server. Compiled and run on each version of Node that the package is for.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlockingClient, EventClient, RunError, Warden, WardenClient, WardenError } from 'warden-client';
import { MockServer } from 'warden-client/testing';

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not so: ${what}`);
}

async function boxes(server: MockServer, directory: string): Promise<void> {
  await using warden = new Warden(server.path);
  await using events = await warden.events();
  await using box = await warden.create({ handle: 'box', labels: { team: 'red' }, ttlSeconds: 60, limits: { memoryBytes: 1 << 26 }, network: { allow: ['192.0.2.1'] } });
  const { stdout, ok } = await box.run(['wc', '-c'], { stdin: 'hello' });
  expect(ok && stdout === '5', 'run');
  const failure: unknown = await box.$`exit ${3}`.catch((error: unknown) => error);
  expect(failure instanceof RunError && failure.result.exitStatus === 3, '$');
  const job = await box.spawn('ünï');
  const texts: string[] = [];
  for await (const { text } of job.text()) texts.push(text);
  expect(texts.join('') === 'ran ünï' && (await job.exit).exitStatus === 3, 'spawn');
  await writeFile(join(directory, 'file'), 'content');
  await box.files.upload(directory, 'tree');
  await box.files.download('tree', join(directory, 'back'));
  expect(await readFile(join(directory, 'back/file'), 'utf8') === 'content', 'files');
  const [summary] = await warden.boxes({ labels: { team: true } });
  expect(summary?.handle === 'box' && summary.labels['team'] === 'red', 'boxes');
  const canceled: unknown = await warden.ping({ signal: AbortSignal.abort() }).catch((error: unknown) => error);
  expect(canceled instanceof WardenError && canceled.code === 'canceled', 'signal');
  for await (const { kind } of events) if (kind === 'job_ended') break;
}

async function promises(server: MockServer): Promise<void> {
  await using client = await WardenClient.connect({ path: server.path });
  const { handle } = await client.create();
  const { jobId } = await client.spawn({ handle, script: 'x' });
  const stream = client.stream({ handle, jobId });
  let text = '';
  for await (const { data } of stream) text += Buffer.from(data).toString();
  expect(text === 'ran x' && (await stream.result()).exitStatus === 3, 'stream');
  expect(await client.v1(['destroy', handle]) === 'ok', 'v1');
}

async function callbacks(server: MockServer): Promise<void> {
  const client = new EventClient(server.path);
  const answer = await new Promise((resolve) => client.call('echo', { message: 'ünï' }, (error, reply) => resolve(error ?? reply?.message)));
  expect(answer === 'ünï', 'event client');
  await client.close();
}

await using server = await MockServer.listen({
  program: async ({ script, args, input, write }) => {
    if (args[0] !== 'wc') return { stdout: `ran ${script}`, exitStatus: 3 };
    let bytes = 0;
    for await (const piece of input) bytes += piece.length;
    write(String(bytes));
    return 0;
  },
});

if (process.argv[2] === undefined) {
  const directory = await mkdtemp(join(tmpdir(), 'warden-consumer-'));
  try {
    await boxes(server, directory);
    await promises(server);
    await callbacks(server);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  console.log('ok');
} else {
  // The server of another process: this one's would never get to answer.
  using client = new BlockingClient(process.argv[2]);
  const { handle } = client.create();
  expect(client.run({ handle, script: 'x' }).exitStatus === 3, 'blocking run');
  client.files.write({ handle, path: 'a' }, 'b');
  expect(client.files.read({ handle, path: 'a' }).text() === 'b' && client.call(['ping']) === 'pong', 'blocking client');
  console.log('ok');
}
