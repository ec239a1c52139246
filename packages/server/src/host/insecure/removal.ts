/** Removal without root's rights: a directory that a job has made read-only, as tools do that keep what they fetch, cannot be emptied before its owner may write to it again. */
import { chmod, readdir, rm } from 'node:fs/promises';
import { isErrno } from '../linux/small-file.js';

/** With everything in it; what is not there is no error. */
export async function removeTree(path: string): Promise<void> {
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    await remove();
  } catch (error) {
    if (!isErrno(error, 'EACCES')) throw error;
    await takeBack(Buffer.from(path));
    await remove();
  }
}

/** Names may be any bytes. */
async function takeBack(directory: Buffer): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await takeBack(Buffer.concat([directory, Buffer.from('/'), entry.name]));
  }
}
