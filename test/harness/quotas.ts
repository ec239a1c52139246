/* Quotas of the file system that the tests' depots are on, as repquota and the tools of e2fsprogs see them. */
import { nativePrograms } from './paths.js';
import { mustRun, runProgram } from './run-program.js';

export type QuotaKind = 'user' | 'project';

/** What repquota says of an id; limits of 0 are none. */
export interface QuotaLine { readonly blocks: number; readonly softBlocks: number; readonly hardBlocks: number; readonly inodes: number; readonly softInodes: number; readonly hardInodes: number }

const repquota = `${nativePrograms}/repquota`;

export async function mountPointOf(path: string): Promise<string> {
  return (await mustRun('findmnt', ['--noheadings', '--output', 'TARGET', '--target', path])).trim();
}

/** Why there are no such quotas; undefined: there are. */
export async function withoutQuotas(path: string, kind: QuotaKind): Promise<string | undefined> {
  const { status, stderr } = await runProgram(repquota, [`--${kind}`, await mountPointOf(path), '1']);
  return status === 0 ? undefined : stderr;
}

export async function readQuota(path: string, kind: QuotaKind, id: number): Promise<QuotaLine> {
  const line = await mustRun(repquota, [`--${kind}`, await mountPointOf(path), String(id)]);
  const [named, blocks = 0, softBlocks = 0, hardBlocks = 0, , inodes = 0, softInodes = 0, hardInodes = 0] = line.trim().split(' ').map(Number);
  if (named !== id) throw new Error(`repquota was asked for ${id} and says: ${line}`);
  return { blocks, softBlocks, hardBlocks, inodes, softInodes, hardInodes };
}

/** The project that a directory hands on; 0: none. */
export async function projectOf(directory: string): Promise<number> {
  const [project = '', flags = ''] = (await mustRun('lsattr', ['-pd', directory])).trim().split(/\s+/);
  return flags.includes('P') ? Number(project) : 0;
}
