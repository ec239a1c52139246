/* What `npm run bench -- --only model` has measured on the machine of bench/README.md; for bench/simulate.ts. */
import type { ServiceTimes } from './warden.js';

export const measuredTimes: ServiceTimes = {
  create: { latency: 6900, client: 250, wardend: 900, launcher: 1500 },
  run: { latency: 4700, client: 250, wardend: 700, launcher: 0 },
  destroy: { latency: 2500, client: 150, wardend: 700, launcher: 300 },
  machine: 19_000,
  rtnl: { create: 600, removal: 400 },
};
