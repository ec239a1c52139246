/*
 * A number of its own for each running test file, and everything that is derived from it: directory, cgroup parent,
 * nftables table, address pool, uids. Two files, or two checkouts, that run at the same time never share any of them.
 *
 * A slot is taken by creating /tmp/warden-test-slots/<n> with our pid in it; the slot of a process that is gone is taken over.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { isAlive } from './processes.js';

const SLOTS = '/tmp/warden-test-slots';
const LAST_SLOT = 54;

export interface Slot {
  readonly number: number;
  /** Everything of this file lies below; removed at its end. Short, because a unix socket's path has 107 bytes. */
  readonly directory: string;
  readonly cgroupParent: string;
  readonly table: string;
  /** 10.<200+n>.0.0/20 without its prefix length. */
  readonly network: string;
  readonly startUid: number;
  readonly startSubuid: number;
  release(): void;
}

function tryTake(path: string): boolean {
  try {
    const descriptor = openSync(path, 'wx');
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  } catch {
    return false;
  }
}

/** Renaming is atomic: of two that find the same stale slot, one gets the file and the other ENOENT. */
function removeStale(path: string): void {
  if (!existsSync(path)) return;
  const owner = Number(readFileSync(path, 'utf8'));
  if (owner === 0 || isAlive(owner)) return;
  const grave = `${path}.${process.pid}`;
  try {
    renameSync(path, grave);
    rmSync(grave);
  } catch {
    // Somebody else was faster.
  }
}

export function takeSlot(): Slot {
  mkdirSync(SLOTS, { recursive: true });
  for (let number = 1; number <= LAST_SLOT; number++) {
    const path = `${SLOTS}/${number}`;
    removeStale(path);
    if (!tryTake(path)) continue;
    return {
      number,
      directory: `/var/tmp/warden-test-${number}`,
      cgroupParent: `warden-test-${number}`,
      table: `warden_test_${number}`,
      network: `10.${200 + number}.0.0`,
      startUid: 20_000 + number * 300,
      startSubuid: 0x4000_0000 + number * 0x0100_0000,
      release: () => rmSync(path, { force: true }),
    };
  }
  throw new Error(`all ${LAST_SLOT} test slots in ${SLOTS} are taken by live processes`);
}
