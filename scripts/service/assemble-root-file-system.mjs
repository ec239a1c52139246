#!/usr/bin/env node
/**
 * Makes the default root file system of this machine's /usr, or leaves the one that is there when it is up to date: before each start of the service, as
 * `npm start` does it in a checkout. `assemble-root-file-system.mjs [DIRECTORY]`, root rights.
 */
import { prepareRootFileSystem } from '../setup/root-file-system.mjs';

const directory = process.argv[2] ?? '/var/lib/warden-rootfs/host';
try {
  if (prepareRootFileSystem(directory)) process.stdout.write(`${directory} was assembled from this machine's /usr\n`);
} catch (error) {
  const { message, remedy } = /** @type {import('../setup/setup-error.mjs').SetupError} */ (error);
  process.stderr.write(`assembling ${directory}: ${message}\n${remedy === undefined ? '' : `${remedy}\n`}`);
  process.exitCode = 1;
}
