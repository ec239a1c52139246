/** What net_in may ask for. Pure. */
import { WardenError } from 'warden-protocol';
import { formatPortRange, lastPort, type PortProtocol, type PortRange } from '../lib/port.js';

export interface NetInRequest {
  readonly hostPort?: number | undefined;
  readonly containerPort?: number | undefined;
  readonly protocol: PortProtocol;
}

/** Checked; an undefined host port is one of the pool. */
export interface PortOrder {
  readonly protocol: PortProtocol;
  readonly hostPort: number | undefined;
  readonly containerPort: number | undefined;
}

/**
 * @param own ports that a client may choose itself
 * @throws WardenError invalid_argument, permission
 */
export function checkNetIn({ hostPort, containerPort, protocol }: NetInRequest, own: PortRange | undefined): PortOrder {
  checkPort('host_port', hostPort);
  checkPort('container_port', containerPort);
  if (hostPort !== undefined && !(own !== undefined && hostPort >= own.first && hostPort <= own.last)) {
    throw new WardenError('permission', `host_port ${hostPort}: clients of this server may choose ${own === undefined ? 'no port themselves' : `from ${formatPortRange(own)}`} (port.own_ports); leave it out for one of the pool`);
  }
  return { protocol, hostPort, containerPort };
}

/** @throws WardenError invalid_argument */
export function checkNetInRemoval({ hostPort, containerPort, protocol }: NetInRequest): PortOrder & { readonly hostPort: number } {
  checkPort('host_port', hostPort);
  checkPort('container_port', containerPort);
  if (hostPort === undefined) throw new WardenError('invalid_argument', 'Please specify host_port: the port that is to be closed');
  return { protocol, hostPort, containerPort };
}

function checkPort(name: string, port: number | undefined): void {
  if (port !== undefined && (port < 1 || port > lastPort)) throw new WardenError('invalid_argument', `${name} ${port}: must be between 1 and ${lastPort}`);
}
