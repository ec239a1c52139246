/** Handlers of the requests about a container's network. */
import { NetInProtocol, Type } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { closePort, openPort } from '../container/net-in.js';
import { addNetOut, removeNetOut } from '../container/net-out.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeNetHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, Type.NetIn | Type.NetOut> {
  return {
    [Type.NetIn]: async (call, { handle, remove, protocol, ...ports }) => {
      const container = named(call, handle);
      const request = { ...ports, protocol: protocol === NetInProtocol.UDP ? 'udp' : 'tcp' } as const;
      const { hostPort, containerPort } = await (remove === true ? closePort : openPort)(containers, container, request);
      return { hostPort, containerPort };
    },
    [Type.NetOut]: async (call, { handle, remove, ...fields }) => {
      await (remove === true ? removeNetOut : addNetOut)(containers, named(call, handle), fields);
      return {};
    },
  };
}
