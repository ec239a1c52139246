/** The disks on which the test machine keeps depots, one for each kind of quota: sparse files that mkfs has been over. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnd, runProgram } from '../setup/program.mjs';
import { SetupError } from '../setup/setup-error.mjs';

const DISK_IN_BYTES = 2 * 1024 ** 3;
const FORMAT_DEADLINE_MS = 60_000;

/** @typedef {{ name: string, format: readonly string[], mountOptions: string }} Depot format: program and arguments, the file follows */

/** @type {readonly Depot[]} */
export const DEPOTS = [
  { name: 'ext4', format: ['mkfs.ext4', '-q', '-O', 'quota,project', '-E', 'quotatype=usrquota:prjquota'], mountOptions: 'prjquota' },
  { name: 'xfs', format: ['mkfs.xfs', '-q'], mountOptions: 'prjquota' },
  { name: 'ext4-user', format: ['mkfs.ext4', '-q', '-O', 'quota', '-E', 'quotatype=usrquota'], mountOptions: 'usrquota' },
];

/**
 * @param {Depot} depot
 * @param {string} directory
 * @returns {Promise<string>} the file
 */
export async function makeDisk({ name, format: [program = '', ...args] }, directory) {
  const file = join(directory, `${name}.img`);
  writeFileSync(file, '');
  truncateSync(file, DISK_IN_BYTES);
  const result = await runProgram(program, [...args, file], { deadlineMs: FORMAT_DEADLINE_MS, env: { ...process.env, LC_ALL: 'C' } });
  if (result.status !== 0) throw new SetupError(`${program} ${args.join(' ')} ${file}: ${describeEnd(result, FORMAT_DEADLINE_MS)}: ${result.output.trim()}`);
  return file;
}
