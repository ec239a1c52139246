/** Ports and connections in attributes of the internal wire. */
import { ipProtocols } from '../../lib/ip-protocols.js';
import { ipv4Bytes } from '../../lib/ipv4.js';
import type { PortProtocol } from '../../lib/port.js';
import type { StaleConnections } from '../launcher.js';
import { Tag } from './wire.js';
import type { FrameWriter } from './wire-codec.js';

export function writePort(writer: FrameWriter, protocol: PortProtocol, port: number): FrameWriter {
  return writer.u32(Tag.protocol, ipProtocols[protocol]).u32(Tag.port, port);
}

export function writeStaleConnections(writer: FrameWriter, { addresses, ports }: StaleConnections): void {
  for (const { first, last } of addresses) writer.bytes(Tag.addressRange, Uint8Array.of(...ipv4Bytes(first), ...ipv4Bytes(last)));
  for (const { protocol, port, address } of ports) {
    writer.nested(Tag.forwardedPort, () => {
      writePort(writer, protocol, port);
      if (address !== undefined) writer.bytes(Tag.address, ipv4Bytes(address));
    });
  }
}
