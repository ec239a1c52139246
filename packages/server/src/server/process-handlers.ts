/** The handler of requests about a container's processes. */
import { Type } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { beginListing } from '../container/processes.js';
import type { Call } from './call.js';
import { unlessInterrupted } from './file-handlers.js';
import type { Handlers } from './handlers.js';

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeProcessHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, Type.Processes> {
  return {
    [Type.Processes]: async (call, { handle }) => {
      const { transfer, processes } = beginListing(containers, named(call, handle));
      const { more } = await unlessInterrupted(call, transfer, transfer.ended);
      return { processes, ...(more && { more }) };
    },
  };
}
