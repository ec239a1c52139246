import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ManualClock } from '../../lib/manual-clock.js';
import { systemClock, type Clock } from '../../lib/timer.js';
import type { FirewallChange } from '../launcher.js';
import { LauncherProcess, type LauncherOptions } from './launcher.js';
import { sampleDescription } from './sample-description.js';

let programs: string;
let launcher: LauncherProcess;
let makeLauncher: (firewall?: NonNullable<LauncherOptions['firewall']>, clock?: Clock) => LauncherProcess;
let messages: { facts: object; message: string }[];

/**
 * A launcher that does what `behaviour` (JavaScript) says: it is called with (frame type, attributes, reply) and has FrameType,
 * Tag and FrameWriter at hand. It appends what it gets to a file.
 */
function writeLauncher(behaviour: string): void {
  const url = (name: string): string => JSON.stringify(new URL(`./${name}.js`, import.meta.url).href);
  writeFileSync(
    join(programs, 'launcher'),
    `#!${process.execPath}
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { FrameReader, FrameWriter, Attributes } from ${url('wire-codec')};
import { FrameType, Tag } from ${url('wire')};
const socket = new Socket({ fd: 3 });
const reader = new FrameReader();
const handle = (type, attributes, reply) => { ${behaviour} };
socket.on('data', (chunk) => reader.push(chunk, (frame) => {
  const attributes = new Attributes(frame.body);
  appendFileSync(${JSON.stringify(join(programs, 'requests'))}, frame.type + ' ' + (attributes.text(Tag.id) ?? '') + '\\n');
  const number = attributes.u32(Tag.request);
  handle(frame.type, attributes, (answer, write = (writer) => writer) => socket.write(write(new FrameWriter().u32(Tag.request, number)).frame(answer)));
}));
socket.on('end', () => process.exit(0));
`,
  );
  chmodSync(join(programs, 'launcher'), 0o755);
  writeFileSync(join(programs, 'package.json'), '{"type":"module"}');
}

function requests(): string[] {
  return existsSync(join(programs, 'requests')) ? readFileSync(join(programs, 'requests'), 'utf8').trim().split('\n') : [];
}

const helloOk = 'if (type === FrameType.hello) { reply(FrameType.ok); return; }';

beforeEach(() => {
  programs = mkdtempSync(join(tmpdir(), 'warden-launcher-'));
  messages = [];
  const note = (facts: object, message: string): void => void messages.push({ facts, message });
  makeLauncher = (firewall, clock = systemClock) => new LauncherProcess({
    programsPath: programs,
    depotPath: '/depot',
    deviceCgroups: [{ path: '/cgroup/warden', version: 1 }],
    ...(firewall !== undefined && { firewall }),
    clock,
    log: { debug: () => undefined, info: note, warn: note, error: note },
  });
  launcher = makeLauncher();
});

afterEach(async () => {
  await launcher.close(1000);
  rmSync(programs, { recursive: true, force: true });
});

test('a create is answered with the monitor\'s pid and the number of the link, whatever comes in between', async () => {
  writeLauncher(`${helloOk}
    if (type === FrameType.firewall) { reply(FrameType.ok); return; }
    setTimeout(() => reply(FrameType.ok, (writer) => writer.u32(Tag.pid, 4711).u32(Tag.linkIndex, 815)), 50);`);
  await launcher.start();
  const created = launcher.create(sampleDescription);
  await launcher.changeFirewall([]);
  assert.deepEqual(await created, { pid: 4711, linkIndex: 815 });
});

test('a request to a launcher that is there is written in the call that makes it', async () => {
  writeLauncher(`${helloOk} reply(FrameType.ok, (writer) => writer.u32(Tag.pid, 4711));`);
  await launcher.start();
  let written = false;
  const created = launcher.create({ ...sampleDescription, get handle() { written = true; return sampleDescription.handle; } });
  assert.ok(written, 'whatever is done behind the call is done while the launcher works');
  assert.deepEqual(await created, { pid: 4711, linkIndex: undefined });
});

test('a failed step is an error that names it', async () => {
  writeLauncher(`${helloOk} reply(FrameType.error, (writer) => writer.text(Tag.step, 'clone').u32(Tag.errno, 11));`);
  await launcher.start();
  await assert.rejects(launcher.create(sampleDescription), { code: 'exhausted', message: /^clone: out of processes/ });
});

test('the depot\'s owner is known when another server has it', async () => {
  writeLauncher('console.error("busy"); reply(FrameType.error, (writer) => writer.text(Tag.step, "lock depot").u32(Tag.errno, 16).u32(Tag.owner, 77)); setTimeout(() => process.exit(1), 20);');
  await assert.rejects(launcher.start(), { owner: 77, step: 'lock depot' });
  assert.deepEqual(messages, []);
});

test('a program that cannot be started, or ends at once, is an error with its last words', async () => {
  await assert.rejects(launcher.start(), { code: 'unavailable', message: /cannot start .*launcher/ });
  writeLauncher('console.error("no room for me"); process.exit(3);');
  await assert.rejects(launcher.start(), { code: 'unavailable', name: 'WardenError', message: /ended with status 3: no room for me/ });
});

test('one that does not begin in time is ended, and its end is not that of the next', { timeout: 30_000 }, async () => {
  const clock = new ManualClock();
  launcher = makeLauncher(undefined, clock);
  const path = join(programs, 'alive');
  const server = createServer().listen(path);
  await once(server, 'listening');
  writeLauncher(`new Socket().connect(${JSON.stringify(path)});`);
  const started = launcher.start();
  const [alive] = await once(server, 'connection') as [Socket];
  server.close();
  const ended = once(alive.resume(), 'close');
  writeLauncher('reply(FrameType.ok);');
  clock.advance(15_000);
  await assert.rejects(started, { code: 'timeout', message: /start of the launcher/ });
  await Promise.all([launcher.start(), ended]);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  await launcher.changeFirewall([]);
  assert.deepEqual([requests().filter((line) => line.startsWith('1 ')).length, launcher.restarts], [2, 0]);
});

test('when it dies, requests under way fail and the next starts it again', async () => {
  writeLauncher(`${helloOk} if (type === FrameType.create) process.kill(process.pid, 'SIGKILL'); else reply(FrameType.ok);`);
  await launcher.start();
  await assert.rejects(launcher.create(sampleDescription), { code: 'unavailable', name: 'LauncherGone', message: /SIGKILL/ });
  await launcher.changeFirewall([]);
  assert.deepEqual(requests().map((line) => line.split(' ')[0]), ['1', '2', '1', '3']);
  assert.deepEqual(messages.map(({ message }) => message), ['the launcher is gone; the next request starts it again']);
});

test('a bandwidth limit goes out as it is, and what comes back is what the kernel has', async () => {
  writeLauncher(`${helloOk}
    const echo = (writer) => writer.nested(Tag.inbound, () => writer.u64(Tag.rate, attributes.u64(Tag.rate) ?? 7n).u64(Tag.burst, attributes.u64(Tag.burst) ?? 8n));
    const named = [Tag.hostName, Tag.ifbName, Tag.alias].map((tag) => attributes.text(tag)).join(' ');
    appendFileSync(${JSON.stringify(join(programs, 'names'))}, named + ' ' + attributes.u32(Tag.mtu) + '\\n');
    if (type === FrameType.unshape) reply(FrameType.ok);
    else if (attributes.u64(Tag.rate) === 1n) reply(FrameType.error, (writer) => writer.text(Tag.step, 'limit bandwidth').u32(Tag.errno, 95).text(Tag.detail, 'w-a-2'));
    else reply(FrameType.ok, echo);`);
  await launcher.start();
  const link = { hostName: 'w-a-0', ifbName: 'w-a-2', mtu: 1400 };
  assert.deepEqual(await launcher.limitBandwidth(link, { rate: 2n ** 40n, burst: 9n }, 'whose'), { inbound: { rate: 2n ** 40n, burst: 9n }, outbound: undefined });
  assert.deepEqual(await launcher.readBandwidth(link), { inbound: { rate: 7n, burst: 8n }, outbound: undefined });
  await launcher.removeBandwidthLimit({ ifbName: 'w-a-2' });
  assert.deepEqual(readFileSync(join(programs, 'names'), 'utf8').split('\n').slice(0, 3), ['w-a-0 w-a-2 whose 1400', 'w-a-0 w-a-2  1400', ' w-a-2  undefined']);
  await assert.rejects(launcher.limitBandwidth(link, { rate: 1n, burst: 1n }, ''), { code: 'unsupported', message: /^limit bandwidth \(w-a-2\): this kernel cannot: .*ifb/ });
});

test('what a link has carried is asked for by its name', async () => {
  writeLauncher(`${helloOk}
    if (attributes.text(Tag.hostName) !== 'w-a-0') reply(FrameType.error, (writer) => writer.text(Tag.step, 'read what a link has carried').u32(Tag.errno, 19).text(Tag.detail, 'w-b-0'));
    else reply(FrameType.ok, (writer) => writer.u64(Tag.inBytes, 1n).u64(Tag.inPackets, 2n).u64(Tag.outBytes, 2n ** 64n - 1n).u64(Tag.outPackets, 4n));`);
  await launcher.start();
  assert.deepEqual(await launcher.readLinkStatistics('w-a-0'), { inBytes: 1n, inPackets: 2n, outBytes: 2n ** 64n - 1n, outPackets: 4n });
  assert.equal(requests()[1]?.trim(), '36');
  await assert.rejects(launcher.readLinkStatistics('w-b-0'), { message: /w-b-0/ });
});

test('changes of the firewall are told as they come; when the launcher dies another is started and asked to watch', async () => {
  writeLauncher(`${helloOk}
    if (type === FrameType.firewall) process.kill(process.pid, 'SIGKILL');
    if (type !== FrameType.watchFirewall) return;
    reply(FrameType.ok);
    const event = new FrameWriter().u32(Tag.event, 200).u32(Tag.authorPort, 5).u32(Tag.authorPid, 6).text(Tag.authorName, attributes.text(Tag.table));
    socket.write(event.frame(FrameType.event));`);
  const changes: FirewallChange[] = [];
  let wake = (): void => undefined;
  const told = async (count: number): Promise<void> => {
    while (changes.length < count) await new Promise<void>((resolve) => { wake = resolve; });
  };
  launcher = makeLauncher({ table: 'warden_x', changed: (change) => { changes.push(change); wake(); } });
  await launcher.start();
  assert.deepEqual(requests().map((line) => line.trim()), ['1']);
  await launcher.watchFirewall();
  await told(1);
  assert.deepEqual(changes, [{ port: 5, pid: 6, program: 'warden_x' }]);
  await assert.rejects(launcher.changeFirewall([]), { name: 'LauncherGone' });
  await told(3);
  assert.deepEqual(changes.slice(1).sort((one) => ('unwatched' in one ? 1 : -1)), [changes[0], { unwatched: true }]);
  assert.deepEqual(requests().map((line) => line.trim()), ['1', '35', '3', '1', '35']);
  assert.deepEqual(messages.map(({ message }) => message), ['the launcher is gone; starting another']);
});

test('a set that is not there is known by its error', async () => {
  writeLauncher(`${helloOk} reply(FrameType.error, (writer) => writer.text(Tag.step, type === FrameType.create ? 'add firewall elements' : 'change firewall elements').u32(Tag.errno, 2));`);
  await launcher.start();
  await assert.rejects(launcher.create(sampleDescription), { name: 'FirewallMissing', message: /^add firewall elements/ });
  await assert.rejects(launcher.changeFirewall([]), { name: 'FirewallMissing' });
});

test('what follows from answers that come together is done in several turns of the loop', async () => {
  writeLauncher(`${helloOk}
    const held = globalThis.held ??= [];
    held.push(reply);
    if (held.length < 20) return;
    socket.cork();
    for (const each of held) each(FrameType.ok);
    socket.uncork();`);
  let [nowMs, turn, ended] = [0, 0, false];
  const clock = { now: () => nowMs, schedule: systemClock.schedule.bind(systemClock) };
  launcher = makeLauncher(undefined, clock);
  await launcher.start();
  const nextTurn = (): void => void setImmediate(() => {
    turn++;
    if (!ended) nextTurn();
  });
  const turns: number[] = [];
  const asked = Array.from({ length: 20 }, async () => {
    await launcher.changeFirewall([]);
    turns.push(turn);
    nowMs += 1;
  });
  nextTurn();
  await Promise.all(asked);
  ended = true;
  const most = Math.max(...turns.map((one) => turns.filter((other) => other === one).length));
  // One that is begun when the second millisecond is not over, and what two turns of ours may have of the launcher's.
  assert.ok(most <= 6, `${most} of 20 in one turn`);
});

test('a frame that cannot be read, among the answers to a crowd, costs the launcher, and that once', { timeout: 30_000 }, async () => {
  writeLauncher(`${helloOk}
    const held = globalThis.held ??= [];
    held.push(reply);
    if (held.length < 20) return;
    process.once('exit', () => console.error('its end'));
    socket.cork();
    for (const each of held.slice(0, 10)) each(FrameType.ok);
    socket.write(Buffer.from([3, 0, 0, 0, FrameType.ok & 0xff, FrameType.ok >> 8, 0, 0, 1, 2, 3]));
    for (const each of held.slice(10)) each(FrameType.ok);
    socket.uncork();`);
  await launcher.start();
  await Promise.all(Array.from({ length: 20 }, () => launcher.changeFirewall([])));
  const saw = async (what: RegExp): Promise<void> => {
    while (!messages.some(({ facts }) => what.test(JSON.stringify(facts)))) await sleep(1);
  };
  await saw(/malformed/);
  writeLauncher(`${helloOk} reply(FrameType.ok);`);
  await launcher.changeFirewall([]);
  // What comes of the first one's end comes just behind its last words; the second one stays.
  await saw(/its end/);
  await sleep(20);
  await launcher.changeFirewall([]);
  assert.deepEqual(requests().filter((line) => line.split(' ')[0] === '1').length, 2);
  // Its last words come by another way than its answers, and may be read first.
  assert.deepEqual([launcher.restarts, messages.map(({ message }) => message).sort()], [1, ['message from the launcher', 'the launcher is gone; the next request starts it again']]);
});

test('one that says nonsense in the breath of its first answer is asked nothing', { timeout: 30_000 }, async () => {
  writeLauncher(`socket.cork();
    reply(FrameType.ok);
    socket.write(Buffer.from([3, 0, 0, 0, FrameType.ok & 0xff, FrameType.ok >> 8, 0, 0, 1, 2, 3]));
    socket.uncork();`);
  await launcher.start();
  writeLauncher(`${helloOk} reply(FrameType.ok);`);
  await launcher.changeFirewall([]);
});

test('closing ends it, and nothing is started afterwards', async () => {
  writeLauncher(helloOk);
  await launcher.start();
  await launcher.close(1000);
  await assert.rejects(launcher.changeFirewall([]), { code: 'unavailable' });
  assert.deepEqual(messages, []);
});

test('a quota: limits that are given, and 64 bits both ways', async () => {
  writeLauncher(`${helloOk}
    const asked = [Tag.quotaKind, Tag.quotaId].map((tag) => attributes.u32(tag)).concat([Tag.blockLimit, Tag.inodeLimit].map((tag) => attributes.u64(tag)));
    appendFileSync(${JSON.stringify(join(programs, 'asked'))}, [attributes.text(Tag.path), ...asked].join(' ') + '\\n');
    reply(FrameType.ok, (writer) => writer.u64(Tag.bytesUsed, 2n ** 63n).u64(Tag.blockLimit, 2n ** 53n + 1n).u64(Tag.inodesUsed, 3n).u64(Tag.inodeLimit, 4n).u32(Tag.quotaEnforced, 1));`);
  const quota = await launcher.quota({ path: '/depot', kind: 'project', id: 0xffff_fffe, blockLimit: 0n });
  assert.deepEqual(quota, { bytesUsed: 2n ** 63n, blockLimit: 2n ** 53n + 1n, inodesUsed: 3n, inodeLimit: 4n, enforced: true });
  await launcher.quota({ path: '/depot', kind: 'user', id: 1, inodeLimit: 2n ** 60n });
  assert.equal(readFileSync(join(programs, 'asked'), 'utf8'), `/depot 2 4294967294 0 \n/depot 1 1  ${2n ** 60n}\n`);
});
