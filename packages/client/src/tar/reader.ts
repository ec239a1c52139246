// A tar archive read as it comes: what tar_out and our own packer write. Nothing in it is believed.
import { WardenError } from 'warden-protocol';

const BLOCK = 512;
/** Records before an entry. */
const RECORDS_LIMIT = 1 << 20;
const PERMISSIONS = 0o777;

export interface ReadEntry {
  readonly path: Buffer;
  readonly target: Buffer;
  /** `0` a file, `2` a symbolic link, `5` a directory. */
  readonly type: '0' | '2' | '5';
  readonly mode: number;
  readonly size: number;
  /** Seconds. */
  readonly modified: number;
}

/** The error of an archive that is not right. */
export function damaged(why: string): WardenError {
  return new WardenError('protocol', `the archive is damaged: ${why}`);
}

export class TarReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next entry; what it contains has to be taken before the one behind it. Undefined at the end. Rejects with protocol. */
  async next(): Promise<ReadEntry | undefined> {
    let records: ReadonlyMap<string, Buffer> = new Map();
    for (;;) {
      const header = await this.#exactly(BLOCK);
      if (header.every((byte) => byte === 0)) return undefined;
      const type = String.fromCharCode(header[156] ?? 0);
      const size = records.has('size') ? Number(records.get('size')) : octal(header, 124, 12);
      if (type === 'x') {
        if (size > RECORDS_LIMIT) throw damaged('its records are too long');
        records = readRecords(await this.#exactly(size));
        await this.#exactly(padding(size));
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

  /** The content of the entry that was read last, piece by piece, with what pads it. */
  async *content({ size }: ReadEntry): AsyncGenerator<Uint8Array, void, void> {
    for (let left = size; left > 0; ) {
      const piece = await this.#take(left);
      if (piece === undefined) throw damaged('it ends within an entry');
      left -= piece.length;
      yield piece;
    }
    await this.#exactly(padding(size));
  }

  /** Takes what is behind the end, which nobody needs. */
  async rest(): Promise<void> {
    while ((await this.#take(RECORDS_LIMIT)) !== undefined);
  }

  /** Gives up what has not been read. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  /** At most so many; undefined at the end. */
  async #take(most: number): Promise<Uint8Array | undefined> {
    while (this.#piece.length === 0) {
      const { value, done } = await this.#pieces.next();
      if (done === true) return undefined;
      this.#piece = value;
    }
    const taken = this.#piece.subarray(0, most);
    this.#piece = this.#piece.subarray(taken.length);
    return taken;
  }

  async #exactly(size: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (let left = size; left > 0; ) {
      const part = await this.#take(left);
      if (part === undefined) throw damaged('it ends within an entry');
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
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
