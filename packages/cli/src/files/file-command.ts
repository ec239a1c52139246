// `cp`, `ls`, `cat`, `rm`, `mkdir` and `mv`: a container's files as people know files. A file of a container is HANDLE:PATH; a relative path begins in the home of the user.
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FileInfo } from 'warden-client';
import { WardenError } from 'warden-protocol';
import type { CommandContext } from '../commands.js';
import { jsonText } from '../json-text.js';
import { printable } from '../print.js';
import { write } from '../streams.js';
import { table } from '../table.js';

interface Command {
  readonly usage: string;
  readonly summary: string;
  /** Letters of its flags. */
  readonly flags: string;
  readonly operands: number;
  readonly run: (call: Call) => Promise<void>;
}

interface Call extends CommandContext {
  readonly operands: readonly string[];
  readonly flags: ReadonlySet<string>;
  readonly user: string | undefined;
}

interface Remote {
  readonly handle: string;
  readonly path: string;
  readonly user: string | undefined;
}

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['cp', { usage: 'cp SOURCE DESTINATION, of which one is HANDLE:PATH, and the other a local path or - for a tar archive', summary: 'copy files between here and a container', flags: '', operands: 2, run: copy }],
  ['ls', { usage: 'ls [-l] HANDLE:PATH', summary: 'list a directory of a container', flags: 'l', operands: 1, run: list }],
  ['cat', { usage: 'cat HANDLE:PATH', summary: 'show a file of a container', flags: '', operands: 1, run: show }],
  ['rm', { usage: 'rm [-r] [-f] HANDLE:PATH', summary: 'remove a file of a container', flags: 'rf', operands: 1, run: remove }],
  ['mkdir', { usage: 'mkdir [-p] HANDLE:PATH', summary: 'make a directory in a container', flags: 'p', operands: 1, run: makeDirectory }],
  ['mv', { usage: 'mv [-n] HANDLE:PATH NEW-PATH', summary: 'give a file of a container another name', flags: 'n', operands: 2, run: move }],
]);

/** Name and summary of each, for the list of commands. */
export const FILE_SUMMARIES: ReadonlyMap<string, string> = new Map([...commands].map(([name, { summary }]) => [name, summary]));

export function fileHelp(name: string): string {
  const command = commands.get(name);
  return `${name}: ${command?.summary ?? ''}\nusage: ${command?.usage ?? ''}\n       -u USER: with the rights of root, or of a name, uid or uid:gid of the container; vcap unless given\n`;
}

export async function runFileCommand(name: string, words: readonly string[], context: CommandContext): Promise<number> {
  const command = commands.get(name);
  if (command === undefined) throw new WardenError('invalid_argument', `unknown command ${JSON.stringify(name)}`);
  await command.run(parse(command, words, context));
  return 0;
}

function usageError({ usage }: Command): WardenError {
  return new WardenError('invalid_argument', `usage: ${usage}`);
}

function parse(command: Command, words: readonly string[], context: CommandContext): Call {
  const operands: string[] = [];
  const flags = new Set<string>();
  let user: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '-u' || word === '--user') {
      user = words[++at];
      if (user === undefined) throw usageError(command);
    } else if (word.startsWith('--user=')) {
      user = word.slice('--user='.length);
    } else if (word === '--') {
      operands.push(...words.slice(at + 1));
      break;
    } else if (word.startsWith('-') && word !== '-') {
      for (const letter of word.slice(1)) {
        if (!command.flags.includes(letter)) throw usageError(command);
        flags.add(letter);
      }
    } else {
      operands.push(word);
    }
  }
  if (operands.length !== command.operands) throw usageError(command);
  return { ...context, operands, flags, user };
}

/** Whether a word is HANDLE:PATH: `rm` takes containers, too. */
export function namesFile(words: readonly string[]): boolean {
  return words.some((word) => remoteOf(word, undefined) !== undefined);
}

/** A local path with a colon begins with a slash or a dot. */
function remoteOf(text: string, user: string | undefined): Remote | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || /^[./]/.test(text)) return undefined;
  return { handle: text.slice(0, colon), path: text.slice(colon + 1) || '.', user };
}

function requireRemote({ operands, user }: Call): Remote {
  return requireRemoteOf(operands[0] ?? '', user);
}

function requireRemoteOf(text: string, user?: string): Remote {
  const remote = remoteOf(text, user);
  if (remote === undefined) throw new WardenError('invalid_argument', `a file of a container is HANDLE:PATH, which ${JSON.stringify(text)} is not`);
  return remote;
}

async function copy(call: Call): Promise<void> {
  const [source = '', destination = ''] = call.operands;
  const [from, to] = [remoteOf(source, call.user), remoteOf(destination, call.user)];
  if ((from === undefined) === (to === undefined)) throw new WardenError('invalid_argument', `one of the two is HANDLE:PATH, and the other is local: ${JSON.stringify(source)}, ${JSON.stringify(destination)}`);
  if (to !== undefined) await copyIn(call, source, to);
  else if (from !== undefined) await copyOut(call, from, destination);
}

async function copyIn(call: Call, source: string, to: Remote): Promise<void> {
  const { client: { files }, input, signal } = call;
  if (source === '-') {
    if (input === undefined) throw new WardenError('invalid_argument', 'cp - has nothing to read here: in a session the input holds commands; run it as one command of its own');
    await notes(call, (await files.tarIn(to, input as AsyncIterable<Uint8Array>, { signal })).notes);
    return;
  }
  const status = await stat(source);
  const existing = await statRemote(call, to);
  const isInto = existing?.kind === 'directory' && !isContent(source, status.isDirectory());
  const target = isInto ? { ...to, path: `${to.path}/${basename(source)}` } : to;
  await notes(call, (await files.upload(target, source, { signal })).notes);
}

/** Whether a directory's content is meant, and not itself: also where its path has no name for it. */
function isContent(path: string, isDirectory: boolean): boolean {
  return isDirectory && (path.endsWith('/') || basename(path) === '..');
}

async function copyOut(call: Call, from: Remote, destination: string): Promise<void> {
  const { client: { files }, signal, streams } = call;
  if (destination === '-') {
    const stream = files.tarOut(from, { signal });
    for await (const piece of stream) await write(streams.stdout, piece);
    await notes(call, (await stream.result()).notes);
    return;
  }
  const info = await files.stat(from, { signal });
  const existing = await stat(destination).catch(() => undefined);
  const isInto = existing?.isDirectory() === true && !isContent(from.path, info.kind === 'directory');
  const target = isInto ? join(destination, basename(from.path)) : destination;
  await notes(call, (await files.download(from, target, { signal })).notes);
}

async function statRemote({ client, signal }: Call, remote: Remote): Promise<FileInfo | undefined> {
  try {
    return await client.files.stat(remote, { signal });
  } catch (error) {
    if (error instanceof WardenError && error.code === 'not_found' && error.message.startsWith('stat file')) return undefined;
    throw error;
  }
}

async function notes({ streams }: Call, lines: readonly string[]): Promise<void> {
  // They name files of the container: a name may hold line ends.
  for (const line of lines) await write(streams.stderr, `${printable(line).replaceAll('\n', '\\n')}\n`);
}

const KINDS: Readonly<Record<FileInfo['kind'], string>> = { file: '-', directory: 'd', link: 'l', other: '?' };

async function list(call: Call): Promise<void> {
  const { client, streams, signal, flags, json } = call;
  const remote = requireRemote(call);
  const info = await client.files.stat(remote, { signal });
  const found = info.kind === 'directory' ? await client.files.list(remote, { signal }) : [{ ...info, name: remote.path }];
  if (json === true) {
    await write(streams.stdout, jsonText(found.map(({ nameBytes: _, ...each }) => ({ ...each, modified: each.modified.toISOString() }))));
    return;
  }
  if (!flags.has('l')) {
    await write(streams.stdout, found.map(({ name }) => `${printable(name).replaceAll('\n', '?')}\n`).join(''));
    return;
  }
  const rows = found.map((each) => [
    `${KINDS[each.kind]}${permissions(each.mode)}`, String(each.hardLinks), String(each.uid), String(each.gid), String(each.sizeInBytes), each.modified.toISOString().replace(/\.\d+Z$/, 'Z'),
    each.target === undefined ? each.name : `${each.name} -> ${each.target}`,
  ]);
  const headings = ['MODE', 'LINKS', 'UID', 'GID', 'SIZE', 'MODIFIED', 'NAME'];
  await write(streams.stdout, table(headings.map((heading) => ({ heading, alignRight: ['LINKS', 'UID', 'GID', 'SIZE'].includes(heading) })), rows));
}

/** As ls writes them: set-id bits and sticky in the place of an x. */
function permissions(mode: number): string {
  const special = [[0o4000, 's', 'S'], [0o2000, 's', 'S'], [0o1000, 't', 'T']] as const;
  return special.map(([bit, both, alone], index) => {
    const bits = (mode >> (6 - 3 * index)) & 7;
    const execute = (bits & 1) !== 0;
    return `${(bits & 4) !== 0 ? 'r' : '-'}${(bits & 2) !== 0 ? 'w' : '-'}${(mode & bit) !== 0 ? (execute ? both : alone) : execute ? 'x' : '-'}`;
  }).join('');
}

async function show(call: Call): Promise<void> {
  for await (const piece of call.client.files.read(requireRemote(call), { signal: call.signal })) await write(call.streams.stdout, piece);
}

async function remove(call: Call): Promise<void> {
  await refuseContainer(call);
  await call.client.files.remove({ ...requireRemote(call), recursive: call.flags.has('r'), force: call.flags.has('f') }, { signal: call.signal });
}

/** A handle may have a colon: whoever names such a container means that, and not a file of another one. */
async function refuseContainer({ client, operands: [text = ''], signal }: Call): Promise<void> {
  const { handles } = await client.list({}, { signal });
  if (!handles.includes(text)) return;
  const { handle, path } = requireRemoteOf(text);
  throw new WardenError('invalid_argument', `${JSON.stringify(text)} is a container: destroy --handle ${JSON.stringify(text)} removes it, and rm ${JSON.stringify(`${handle}:./${path}`)} the file of ${JSON.stringify(handle)}`);
}

async function makeDirectory(call: Call): Promise<void> {
  await call.client.files.makeDirectory({ ...requireRemote(call), parents: call.flags.has('p') }, { signal: call.signal });
}

async function move(call: Call): Promise<void> {
  const remote = requireRemote(call);
  const other = remoteOf(call.operands[1] ?? '', undefined);
  if (other !== undefined && other.handle !== remote.handle) throw new WardenError('invalid_argument', 'mv works within one container');
  await call.client.files.rename({ ...remote, newPath: other?.path ?? call.operands[1] ?? '', exclusive: call.flags.has('n') }, { signal: call.signal });
}
