// What a strict program may write, and what the compiler has to refuse. Compiled by src/types.test.ts, never run.
import { BlockingClient, type Box, type BoxOptions, type BoxSummary, EventClient, type FileInfo, type FileResult, type ImagePullResponse, type Job, type JobResult, type ListResponse, type NetInResponse, RunError, type RunResult, type V1Value, Warden, WardenClient, WardenError } from 'warden-client';
import { type MockProgram, MockServer } from 'warden-client/testing';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function isSame<A, B>(_: Same<A, B>): void {}

export async function promises(client: WardenClient, signal: AbortSignal | undefined): Promise<void> {
  const { handle } = await client.create({ graceTime: 1 }, { signal });
  isSame<typeof handle, string>(true);
  const result = await client.run({ handle, args: ['ls'], env: { A: '1' } }, { timeoutMs: 1 });
  isSame<typeof result, JobResult>(true);
  const memory = (await client.info({ handle })).memoryStat?.cache;
  isSame<typeof memory, bigint | undefined>(true);
  for await (const { name, data } of client.stream({ handle, jobId: 1 })) {
    isSame<typeof name, 'stdout' | 'stderr'>(true);
    isSame<typeof data, Uint8Array>(true);
  }
  // @ts-expect-error a job id is a number
  client.link({ handle, jobId: '1' });
  // @ts-expect-error uint64 is a bigint
  client.limitMemory({ handle, limitInBytes: 1 });
  // @ts-expect-error there is no such option
  client.ping({ timeout: 1 });
  // @ts-expect-error a required field
  client.info({});
}

export async function boxes(warden: Warden): Promise<RunResult> {
  const options: BoxOptions = { limits: { memoryBytes: 1, processors: 0.5 }, network: { allow: ['10.0.0.0/8', { port: 53, protocol: 'udp' }], expose: [80] }, mounts: [{ source: '/a', target: '/b' }] };
  await using box: Box = await warden.create(options, { timeoutMs: 1000 });
  const job: Job = await box.spawn(['cat'], { stdin: true, env: { A: '1' } });
  for await (const { stream, data } of job.output({ sinceByte: 1n })) isSame<[typeof stream, typeof data], ['stdout' | 'stderr', Uint8Array]>(true);
  for await (const { line } of job.lines()) isSame<typeof line, string>(true);
  const { exitStatus, signal } = await job.exit;
  isSame<[typeof exitStatus, typeof signal], [number, number | undefined]>(true);
  await box.$`ls ${'a'} ${1} ${2n} ${['b', 3]}`;
  await box.$({ cwd: '/', check: false })`ls`;
  await box.waitFor({ port: 80, timeoutMs: 1 });
  await box.waitFor({ log: /x/, job });
  // @ts-expect-error no object is text
  await box.$`ls ${{}}`;
  // @ts-expect-error undefined is no text
  await box.$`ls ${undefined}`;
  // @ts-expect-error a protocol that there is not
  await box.network.allow({ port: 1, protocol: 'sctp' });
  // @ts-expect-error what to wait for
  await box.waitFor({});
  // @ts-expect-error a signal that there is not
  await job.kill('SIGFOO');
  // @ts-expect-error env has text
  return box.run('ls', { env: { A: 1 } });
}

export async function furnished(warden: Warden): Promise<void> {
  const options: BoxOptions = {
    labels: { team: 'red' }, ttlSeconds: 60, hooks: [{ point: 'child_after_pivot', program: 'prepare', timeoutMs: 1 }], rootfs: 'docker://example.com/app', pull: 'missing', registryAuth: { username: 'u', password: 'p' },
  };
  await using box = await warden.create(options);
  for await (const piece of box.files.read('a', { offset: 1n, timeoutMs: 1 })) isSame<typeof piece, Uint8Array>(true);
  const text = await box.files.read('a').text();
  isSame<typeof text, string>(true);
  const [entry] = await box.files.list();
  isSame<typeof entry, FileInfo | undefined>(true);
  const { notes } = await box.files.upload('/a', 'b', { user: 'root', signal: AbortSignal.timeout(1) });
  isSame<typeof notes, readonly string[]>(true);
  const summaries = await warden.boxes({ labels: { team: true, ci: '' }, timeoutMs: 1 });
  isSame<typeof summaries, readonly BoxSummary[]>(true);
  const label = summaries[0]?.labels['team'];
  isSame<typeof label, string | undefined>(true);
  // @ts-expect-error a value is text
  await warden.create({ labels: { team: 1 } });
  // @ts-expect-error a point that there is not
  await warden.create({ hooks: [{ point: 'later', program: 'x' }] });
  // @ts-expect-error content
  await box.files.write('a', 1);
  // @ts-expect-error which label
  await warden.list({ labels: { team: false } });
}

export function blockingFiles(client: BlockingClient): void {
  const read = client.files.read({ handle: 'h', path: 'a' });
  for (const piece of read) isSame<typeof piece, Uint8Array>(true);
  isSame<ReturnType<typeof read.result>, FileResult>(true);
  isSame<ReturnType<typeof client.files.write>, bigint>(true);
  client.files.write({ handle: 'h', path: 'a' }, 'text', { timeoutMs: 1 });
  const pulled = client.images.pull({ reference: 'a' });
  isSame<typeof pulled, ImagePullResponse>(true);
  // @ts-expect-error nobody could make the pieces meanwhile
  client.files.write({ handle: 'h', path: 'a' }, (async function* () { yield 'a'; })());
  // @ts-expect-error nobody could be told meanwhile
  client.images.pull({ reference: 'a' }, { onProgress: () => undefined });
}

export function errors(error: unknown): string {
  if (error instanceof RunError) return error.result.stderr;
  if (error instanceof WardenError) {
    // @ts-expect-error a code that there is not
    if (error.code === 'nope') return '';
    return error.code;
  }
  return '';
}

export function blocking(client: BlockingClient): void {
  using own = new BlockingClient('/a', { connectTimeoutMs: 1 });
  isSame<ReturnType<typeof own.netIn>, NetInResponse>(true);
  const { handle } = client.create();
  isSame<typeof handle, string>(true);
  const result = client.run({ handle, script: 'ls' }, { timeoutMs: 1 });
  isSame<typeof result, JobResult>(true);
  for (const { name, data } of client.stream({ handle, jobId: 1 })) isSame<[typeof name, typeof data], ['stdout' | 'stderr', Uint8Array]>(true);
  isSame<ReturnType<typeof client.call>, V1Value>(true);
  // @ts-expect-error nobody could cancel it
  client.ping({ signal: new AbortController().signal });
  // @ts-expect-error a required field
  client.echo({});
}

export async function events(client: EventClient): Promise<void> {
  client.on('connected', () => undefined);
  client.on('disconnected', (error) => isSame<typeof error, WardenError>(true));
  const { hostPort } = await client.call('net_in', { handle: 'a' });
  isSame<typeof hostPort, number>(true);
  client.call('list', {}, (error, reply, isLast) => isSame<[typeof error, typeof reply, typeof isLast], [WardenError | undefined, ListResponse | undefined, boolean]>(true));
  const value = await client.call(['create', { bind_mounts: [['/a', '/b', 'ro'], ['/c', '/d', { mode: 'rw' }]], grace_time: 1 }]);
  isSame<typeof value, V1Value>(true);
  // @ts-expect-error no such request
  client.call('frobnicate', {});
  // @ts-expect-error a field of another request
  client.call('link', { handle: 'a', script: 'x' });
  // @ts-expect-error no such event
  client.on('gone', () => undefined);
}

export async function mock(): Promise<void> {
  const program: MockProgram = async ({ args, input, write }) => {
    for await (const data of input) write(data, 'stderr');
    return args.length;
  };
  await using server = await MockServer.listen({ program });
  isSame<typeof server.path, string>(true);
  // @ts-expect-error a status is a number
  await MockServer.listen({ program: () => 'x' });
}
