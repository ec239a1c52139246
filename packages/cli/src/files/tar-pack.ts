// A tar archive (pax) of local files: directories, files and symbolic links, names of any bytes.
import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';

const BLOCK = 512;
const PIECE = 256 * 1024;
const NAME_SIZE = 100;
/** What eleven octal digits can say. */
const OCTAL_LIMIT = 2n ** 33n;
/** Set-id bits stay here. */
const PERMISSIONS = 0o1777n;

interface Entry {
  readonly name: Buffer;
  readonly type: '0' | '2' | '5';
  readonly target?: Buffer;
  readonly size: bigint;
  readonly status: BigIntStats;
}

/** The archive of `path`, which is called `name` in it. What is neither file, directory nor link is left out, and told. */
export async function* packTree(path: Buffer, name: Buffer, onLeftOut: (path: string) => void): AsyncGenerator<Uint8Array, void, void> {
  yield* pack(path, name, onLeftOut);
  yield Buffer.alloc(2 * BLOCK);
}

async function* pack(path: Buffer, name: Buffer, onLeftOut: (path: string) => void): AsyncGenerator<Uint8Array, void, void> {
  const status = await lstat(path, { bigint: true });
  if (status.isDirectory()) {
    yield header({ name: join(name, Buffer.alloc(0)), type: '5', size: 0n, status });
    for (const child of (await readdir(path, { encoding: 'buffer' })).sort(Buffer.compare)) yield* pack(join(path, child), join(name, child), onLeftOut);
  } else if (status.isSymbolicLink()) {
    yield header({ name, type: '2', target: await readlink(path, { encoding: 'buffer' }), size: 0n, status });
  } else if (status.isFile()) {
    yield* packFile(path, name);
  } else {
    onLeftOut(path.toString());
  }
}

/** As many bytes as the header says, whatever becomes of the file meanwhile. */
async function* packFile(path: Buffer, name: Buffer): AsyncGenerator<Uint8Array, void, void> {
  const file = await open(path, 'r');
  try {
    const status = await file.stat({ bigint: true });
    yield header({ name, type: '0', size: status.size, status });
    let left = Number(status.size);
    while (left > 0) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(Math.min(left, PIECE)) });
      if (bytesRead === 0) throw new Error(`${path.toString()} became shorter while it was read`);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    yield padding(status.size);
  } finally {
    await file.close();
  }
}

function join(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}

function padding(size: bigint): Buffer {
  return Buffer.alloc((BLOCK - Number(size % BigInt(BLOCK))) % BLOCK);
}

function header(entry: Entry): Buffer {
  const { name, target = Buffer.alloc(0), size, status } = entry;
  const seconds = status.mtimeNs / 1_000_000_000n;
  const records = [
    ...(name.length > NAME_SIZE ? [record('path', name)] : []),
    ...(target.length > NAME_SIZE ? [record('linkpath', target)] : []),
    ...(size >= OCTAL_LIMIT ? [record('size', Buffer.from(String(size)))] : []),
    ...(seconds >= 0n ? [record('mtime', Buffer.from(`${seconds}.${String(status.mtimeNs % 1_000_000_000n).padStart(9, '0')}`))] : []),
  ];
  const text = Buffer.concat(records);
  const before = text.length === 0 ? [] : [block({ ...entry, name: Buffer.from('pax-header'), target: Buffer.alloc(0), size: BigInt(text.length) }, 'x'), text, padding(BigInt(text.length))];
  return Buffer.concat([...before, block(entry, entry.type)]);
}

/** "LENGTH KEY=VALUE\n", where the length counts its own digits. */
function record(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

function block({ name, target, size, status }: Entry, type: string): Buffer {
  const octal = (value: bigint, digits: number): string => `${(value < 8n ** BigInt(digits) && value >= 0n ? value : 0n).toString(8).padStart(digits, '0')}\0`;
  const made = Buffer.alloc(BLOCK);
  name.copy(made, 0, 0, NAME_SIZE);
  made.write(octal(status.mode & PERMISSIONS, 7), 100);
  made.write(octal(status.uid, 7), 108);
  made.write(octal(status.gid, 7), 116);
  made.write(octal(size, 11), 124);
  made.write(octal(status.mtimeNs / 1_000_000_000n, 11), 136);
  made.write(' '.repeat(8), 148);
  made.write(type, 156);
  target?.copy(made, 157, 0, NAME_SIZE);
  made.write('ustar\x0000', 257);
  made.write(`${made.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
  return made;
}
