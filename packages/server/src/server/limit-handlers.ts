/** Handlers of the requests that limit a container, and read its limits. */
import { Type } from 'warden-protocol';
import { limitBandwidth } from '../container/bandwidth.js';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { limitCpu } from '../container/limit-cpu.js';
import { limitDisk } from '../container/limit-disk.js';
import { limitMemory } from '../container/limit-memory.js';
import { limitPids } from '../container/limit-pids.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';

type LimitRequests = Type.LimitMemory | Type.LimitBandwidth | Type.LimitCpu | Type.LimitDisk | Type.LimitPids;

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeLimitHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, LimitRequests> {
  return {
    [Type.LimitMemory]: async (call, { handle, limitInBytes }) => ({ limitInBytes: await limitMemory(containers, named(call, handle), limitInBytes) }),
    [Type.LimitBandwidth]: (call, { handle, rate, burst }) => limitBandwidth(containers, named(call, handle), { rate, burst }),
    [Type.LimitCpu]: async (call, { handle, ...request }) => {
      const { shares, quota, cpus } = await limitCpu(containers, named(call, handle), request);
      return { limitInShares: shares, ...quota, cpus };
    },
    [Type.LimitPids]: async (call, { handle, limit }) => ({ limit: await limitPids(containers, named(call, handle), limit) }),
    [Type.LimitDisk]: (call, request) => limitDisk(containers, named(call, request.handle), request),
  };
}
