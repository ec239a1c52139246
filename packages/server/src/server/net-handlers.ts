/** Handlers of the requests about a container's network. */
import { Type } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { addNetOut, removeNetOut } from '../container/net-out.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeNetHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, Type.NetOut> {
  return {
    [Type.NetOut]: async (call, { handle, remove, ...fields }) => {
      await (remove === true ? removeNetOut : addNetOut)(containers, named(call, handle), fields);
      return {};
    },
  };
}
