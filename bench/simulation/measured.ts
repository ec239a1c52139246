/* What `npm run bench -- --only model` has measured on the machine of bench/README.md, with one client, on 2026-11-26; for bench/simulate.ts. */
import type { ServiceTimes } from './warden.js';

export const measuredTimes: ServiceTimes = {
  create: { latency: 9983, client: 553, wardend: 2446, launcher: 1858 },
  run: { latency: 7163, client: 648, wardend: 2225, launcher: 14 },
  destroy: { latency: 3895, client: 677, wardend: 1640, launcher: 190 },
  machine: 32_439,
  rtnl: { create: 494, removal: 335 },
};
