/* One run at a time on a machine: the cgroups, the nftables tables and the addresses have fixed names, and two runs would measure each other. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const PATH = '/run/warden-bench.pid';

/** Throws when another run is alive. @returns what gives the lock back */
export function takeLock(): () => void {
  const owner = existsSync(PATH) ? Number(readFileSync(PATH, 'utf8')) : 0;
  if (owner > 0 && existsSync(`/proc/${owner}`)) throw new Error(`a benchmark is running already, process ${owner} (${PATH})`);
  rmSync(PATH, { force: true });
  writeFileSync(PATH, `${process.pid}\n`, { flag: 'wx' });
  return () => rmSync(PATH, { force: true });
}
