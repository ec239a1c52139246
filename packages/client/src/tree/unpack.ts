// Extracting what tar_out sends, below a local directory. The archive comes out of a container, so nothing in it is believed: a path with `..`,
// or one that leads over a link, is an error; links are made when everything else is there, so that nothing is written through them.
import { mkdir, lstat, open, rm, symlink, utimes, chmod, type FileHandle } from 'node:fs/promises';
import { WardenError } from 'warden-protocol';
import { damaged, type ReadEntry, TarReader } from '../tar/reader.js';

/** Extracts all of it; its root is `directory` itself, which is there. */
export async function unpackTree(pieces: AsyncIterable<Uint8Array>, directory: Buffer): Promise<void> {
  const archive = new TarReader(pieces);
  try {
    await unpack(archive, directory);
  } finally {
    await archive.close();
  }
}

async function unpack(archive: TarReader, directory: Buffer): Promise<void> {
  const links: { path: Buffer; target: Buffer }[] = [];
  const directories: { path: Buffer; mode: number; modified: number }[] = [];
  for (;;) {
    const entry = await archive.next();
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
      await writeFile(archive.content(entry), path, entry);
    }
  }
  await archive.rest();
  for (const { path, target } of links) {
    await rm(path, { force: true });
    await symlink(target, path);
  }
  for (const { path, mode, modified } of directories.reverse()) {
    await chmod(path, mode);
    await utimes(path, modified, modified);
  }
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

async function writeFile(content: AsyncIterable<Uint8Array>, path: Buffer, { mode, modified }: ReadEntry): Promise<void> {
  if (await isDirectory(path)) throw new WardenError('exists', `${path.toString()} is a directory`);
  await rm(path, { force: true });
  // Made here and now: nothing that was there is followed.
  const file: FileHandle = await open(path, 'wx', 0o600);
  try {
    for await (const piece of content) await file.writeFile(piece);
    await file.chmod(mode);
    await file.utimes(modified, modified);
  } finally {
    await file.close();
  }
}
