// Entries of a tar archive (pax) as they are written: names of any bytes, sizes of any length, times in nanoseconds.
const BLOCK = 512;
const NAME_SIZE = 100;
/** What eleven octal digits can say. */
const OCTAL_LIMIT = 2n ** 33n;
/** Set-id bits stay where they are. */
const PERMISSIONS = 0o1777;

/** A file, a symbolic link, or a directory. */
export type TarType = '0' | '2' | '5';

export interface TarEntry {
  readonly name: Uint8Array;
  readonly type: TarType;
  /** Of a symbolic link. */
  readonly target?: Uint8Array | undefined;
  readonly sizeInBytes: bigint;
  readonly mode: number;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly modifiedNs: bigint;
}

/** What an archive ends with. */
export const TAR_END: Uint8Array = Buffer.alloc(2 * BLOCK);

/** What follows content, up to the next block. */
export function tarPadding(sizeInBytes: bigint): Uint8Array {
  return Buffer.alloc((BLOCK - Number(sizeInBytes % BigInt(BLOCK))) % BLOCK);
}

/** What comes before an entry's content. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const { name, target = new Uint8Array(0), sizeInBytes, modifiedNs } = entry;
  const seconds = modifiedNs / 1_000_000_000n;
  const records = [
    ...(name.length > NAME_SIZE ? [record('path', name)] : []),
    ...(target.length > NAME_SIZE ? [record('linkpath', target)] : []),
    ...(sizeInBytes >= OCTAL_LIMIT ? [record('size', Buffer.from(String(sizeInBytes)))] : []),
    ...(seconds >= 0n ? [record('mtime', Buffer.from(`${seconds}.${String(modifiedNs % 1_000_000_000n).padStart(9, '0')}`))] : []),
  ];
  const text = Buffer.concat(records);
  const size = BigInt(text.length);
  const before = text.length === 0 ? [] : [block({ ...entry, name: Buffer.from('pax-header'), target: undefined, sizeInBytes: size }, 'x'), text, tarPadding(size)];
  return Buffer.concat([...before, block(entry, entry.type)]);
}

/** "LENGTH KEY=VALUE\n", where the length counts its own digits. */
function record(key: string, value: Uint8Array): Uint8Array {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

function block({ name, target, sizeInBytes, mode, uid, gid, modifiedNs }: TarEntry, type: string): Uint8Array {
  const octal = (value: bigint, digits: number): string => `${(value < 8n ** BigInt(digits) && value >= 0n ? value : 0n).toString(8).padStart(digits, '0')}\0`;
  const made = Buffer.alloc(BLOCK);
  made.set(name.subarray(0, NAME_SIZE), 0);
  made.write(octal(BigInt(mode & PERMISSIONS), 7), 100);
  made.write(octal(uid, 7), 108);
  made.write(octal(gid, 7), 116);
  made.write(octal(sizeInBytes, 11), 124);
  made.write(octal(modifiedNs / 1_000_000_000n, 11), 136);
  made.write(' '.repeat(8), 148);
  made.write(type, 156);
  if (target !== undefined) made.set(target.subarray(0, NAME_SIZE), 157);
  made.write('ustar\x0000', 257);
  made.write(`${made.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148);
  return made;
}
