/* What `npm run bench -- --only model` has measured on the machine of bench/README.md, with one client, on 2026-11-27; for bench/simulate.ts. */
import type { ServiceTimes } from './warden.js';

export const measuredTimes: ServiceTimes = {
  create: { latency: 3598, client: 142, wardend: 670, launcher: 765 },
  run: { latency: 2071, client: 148, wardend: 363, launcher: 0 },
  destroy: { latency: 863, client: 157, wardend: 234, launcher: 63 },
  machine: 11_072,
  rtnl: { create: 199, removal: 121 },
};
