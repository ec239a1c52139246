// Extracting what tar_out sends, below a local directory. The archive comes out of a container, so nothing in it is believed: a path with `..`,
// or one that leads over a link, is an error; links are made when everything else is there, so that nothing is written through them.
import { mkdir, lstat, open, rm, symlink, utimes, chmod, type FileHandle } from 'node:fs/promises';
import { WardenError } from 'warden-protocol';

const BLOCK = 512;
/** Records before an entry. */
const RECORDS_LIMIT = 1 << 20;
const PERMISSIONS = 0o777;

interface Entry {
  path: Buffer;
  target: Buffer;
  type: string;
  mode: number;
  size: number;
  /** Seconds. */
  modified: number;
}

/** Takes bytes out of pieces. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** At most so many; undefined at the end. */
  async take(most: number): Promise<Uint8Array | undefined> {
    while (this.#piece.length === 0) {
      const { value, done } = await this.#pieces.next();
      if (done === true) return undefined;
      this.#piece = value;
    }
    const taken = this.#piece.subarray(0, most);
    this.#piece = this.#piece.subarray(taken.length);
    return taken;
  }

  async exactly(size: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.take(left);
      if (part === undefined) throw damaged('it ends within an entry');
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }
}

function damaged(why: string): WardenError {
  return new WardenError('protocol', `the archive is damaged: ${why}`);
}

/** Extracts all of it; its root is `directory` itself, which is there. */
export async function unpackTree(pieces: AsyncIterable<Uint8Array>, directory: Buffer): Promise<void> {
  const source = new Source(pieces);
  const links: { path: Buffer; target: Buffer }[] = [];
  const directories: { path: Buffer; mode: number; modified: number }[] = [];
  for (;;) {
    const entry = await nextEntry(source);
    if (entry === undefined) break;
    const path = await place(directory, entry.path);
    if (path === directory) {
      // It is there, perhaps by way of a link of its owner's.
      if (entry.type !== '5') throw damaged('something that is no directory in place of its root');
      directories.push({ path, mode: entry.mode, modified: entry.modified });
    } else if (entry.type === '5') {
      if (!(await isDirectory(path))) await mkdir(path, { mode: 0o700 });
      directories.push({ path, mode: entry.mode, modified: entry.modified });
    } else if (entry.type === '2') {
      links.push({ path, target: entry.target });
    } else {
      await writeFile(source, path, entry);
    }
  }
  while ((await source.take(RECORDS_LIMIT)) !== undefined);
  for (const { path, target } of links) {
    await rm(path, { force: true });
    await symlink(target, path);
  }
  for (const { path, mode, modified } of directories.reverse()) {
    await chmod(path, mode);
    await utimes(path, modified, modified);
  }
}

async function nextEntry(source: Source): Promise<Entry | undefined> {
  let records: ReadonlyMap<string, Buffer> = new Map();
  for (;;) {
    const header = await source.exactly(BLOCK);
    if (header.every((byte) => byte === 0)) return undefined;
    const type = String.fromCharCode(header[156] ?? 0);
    const size = records.has('size') ? Number(records.get('size')) : octal(header, 124, 12);
    if (type === 'x') {
      if (size > RECORDS_LIMIT) throw damaged('its records are too long');
      records = readRecords(await source.exactly(size));
      await source.exactly(padding(size));
      continue;
    }
    if (type !== '0' && type !== '2' && type !== '5') throw damaged(`an entry of type ${JSON.stringify(type)}`);
    if (!Number.isSafeInteger(size) || size < 0) throw damaged('a size that is none');
    const modified = Number(records.get('mtime') ?? octal(header, 136, 12));
    if (!Number.isFinite(modified)) throw damaged('a time that is none');
    return {
      type, size, modified, mode: octal(header, 100, 8) & PERMISSIONS,
      path: records.get('path') ?? field(header, 0), target: records.get('linkpath') ?? field(header, 157),
    };
  }
}

function field(header: Buffer, at: number): Buffer {
  const whole = header.subarray(at, at + 100);
  const end = whole.indexOf(0);
  return Buffer.from(end < 0 ? whole : whole.subarray(0, end));
}

function octal(header: Buffer, at: number, size: number): number {
  const text = header.toString('latin1', at, at + size - 1);
  if (!/^[0-7]+$/.test(text)) throw damaged('a number that is none');
  return parseInt(text, 8);
}

function readRecords(text: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < text.length; ) {
    const length = /^\d{1,7} /.exec(text.toString('latin1', at, at + 8))?.[0];
    const end = at + Number(length ?? NaN);
    const equals = text.indexOf(0x3d, at);
    if (length === undefined || end > text.length || equals < 0 || equals >= end || text[end - 1] !== 0x0a) throw damaged('a record that is none');
    records.set(text.toString('utf8', at + length.length, equals), Buffer.from(text.subarray(equals + 1, end - 1)));
    at = end;
  }
  return records;
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** Where an entry goes: below the directory, over directories alone. */
async function place(directory: Buffer, path: Buffer): Promise<Buffer> {
  const names = path.toString('latin1').split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..') || path.includes(0)) throw damaged(`the path ${JSON.stringify(path.toString())}`);
  let at = directory;
  for (const [index, name] of names.entries()) {
    if (index > 0 && !(await isDirectory(at))) throw damaged(`${JSON.stringify(path.toString())} leads over what is no directory`);
    at = Buffer.concat([at, Buffer.from('/'), Buffer.from(name, 'latin1')]);
  }
  return at;
}

/** Not over a link. */
async function isDirectory(path: Buffer): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function writeFile(source: Source, path: Buffer, { size, mode, modified }: Entry): Promise<void> {
  if (await isDirectory(path)) throw new WardenError('exists', `${path.toString()} is a directory`);
  await rm(path, { force: true });
  // Made here and now: nothing that was there is followed.
  const file: FileHandle = await open(path, 'wx', 0o600);
  try {
    for (let left = size; left > 0; ) {
      const piece = await source.take(left);
      if (piece === undefined) throw damaged('it ends within an entry');
      await file.writeFile(piece);
      left -= piece.length;
    }
    await file.chmod(mode);
    await file.utimes(modified, modified);
  } finally {
    await file.close();
  }
  await source.exactly(padding(size));
}
