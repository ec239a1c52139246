// A tar archive (pax) of local files: directories, files and symbolic links, names of any bytes.
import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { TAR_END, tarHeader, tarPadding, type TarType } from '../tar/header.js';

const PIECE = 256 * 1024;

/** The archive of `path`, which is called `name` in it. What is neither file, directory nor link is left out, and told. */
export async function* packTree(path: Buffer, name: Buffer, onLeftOut: (path: string) => void): AsyncGenerator<Uint8Array, void, void> {
  yield* pack(path, name, onLeftOut);
  yield TAR_END;
}

async function* pack(path: Buffer, name: Buffer, onLeftOut: (path: string) => void): AsyncGenerator<Uint8Array, void, void> {
  const status = await lstat(path, { bigint: true });
  if (status.isDirectory()) {
    yield header(join(name, Buffer.alloc(0)), '5', status);
    for (const child of (await readdir(path, { encoding: 'buffer' })).sort(Buffer.compare)) yield* pack(join(path, child), join(name, child), onLeftOut);
  } else if (status.isSymbolicLink()) {
    yield header(name, '2', status, await readlink(path, { encoding: 'buffer' }));
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
    yield header(name, '0', status);
    let left = Number(status.size);
    while (left > 0) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(Math.min(left, PIECE)) });
      if (bytesRead === 0) throw new Error(`${path.toString()} became shorter while it was read`);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    yield tarPadding(status.size);
  } finally {
    await file.close();
  }
}

function join(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}

function header(name: Buffer, type: TarType, { size, mode, uid, gid, mtimeNs }: BigIntStats, target?: Buffer): Uint8Array {
  return tarHeader({ name, type, target, sizeInBytes: type === '0' ? size : 0n, mode: Number(mode), uid, gid, modifiedNs: mtimeNs });
}
