/* The product's own default root file system, made anew for the run by the set-up's code. */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { repository } from './paths.js';

export interface RootFileSystem {
  readonly directory: string;
  /** Of the host, read-only in every container. */
  readonly mounts: readonly { readonly source: string; readonly destination: string }[];
}

interface SetUp { prepareRootFileSystem(directory: string): boolean }

export async function makeRootFileSystem(directory: string): Promise<RootFileSystem> {
  const setUp = await import(pathToFileURL(`${repository}/scripts/setup/root-file-system.mjs`).href) as SetUp;
  setUp.prepareRootFileSystem(directory);
  const { mounts } = JSON.parse(readFileSync(`${directory}.mounts.json`, 'utf8')) as Pick<RootFileSystem, 'mounts'>;
  return { directory, mounts };
}
