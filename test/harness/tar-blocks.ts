/* Tar archives made by hand, right ones and wrong ones: blocks of 512 bytes with a header of ustar's. */
export interface TarHeader {
  readonly name: string | Buffer;
  /** A file unless given. */
  readonly type?: string;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly content?: string | Buffer;
  /** What the header says instead of the content's size: a number, or the field's own bytes. */
  readonly size?: number | Buffer;
  readonly checksum?: string;
  readonly magic?: string;
}

const BLOCK = 512;
export const END = Buffer.alloc(2 * BLOCK);

function octal(value: number, size: number): string {
  return `${value.toString(8).padStart(size - 1, '0')}\0`;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** An entry with its content. */
export function entry({ name, type = '0', target = '', mode = 0o644, uid = 0, content = '', size, checksum, magic = 'ustar\x0000' }: TarHeader): Buffer {
  const header = Buffer.alloc(BLOCK);
  const body = Buffer.from(content);
  Buffer.from(name).copy(header, 0, 0, 100);
  header.write(octal(mode, 8), 100);
  header.write(octal(uid, 8), 108);
  header.write(octal(uid, 8), 116);
  if (Buffer.isBuffer(size)) size.copy(header, 124, 0, 12);
  else header.write(octal(size ?? body.length, 12), 124);
  header.write(octal(1_000_000_000, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156, 'latin1');
  header.write(target, 157, 100);
  header.write(magic, 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, padded(body)]);
}

/** A pax header with these records for the entry behind it. */
export function pax(records: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (String(length).length !== String(rest).length) length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  }).join('');
  return entry({ name: 'pax-header', type: 'x', content: text });
}
