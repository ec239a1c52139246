/** The bandwidth of a link in attributes of the internal wire. */
import type { Bandwidth, BandwidthInForce, ShapedLink } from '../launcher.js';
import { Tag } from './wire.js';
import type { Attributes, FrameWriter } from './wire-codec.js';

export function writeShapedLink(writer: FrameWriter, link: ShapedLink): FrameWriter {
  return writer.text(Tag.hostName, link.hostName).text(Tag.ifbName, link.ifbName).u32(Tag.mtu, link.mtu);
}

export function readBandwidthReply(reply: Attributes): BandwidthInForce {
  return { inbound: readBucket(reply, Tag.inbound), outbound: readBucket(reply, Tag.outbound) };
}

function readBucket(reply: Attributes, tag: number): Bandwidth | undefined {
  const [bucket] = reply.nested(tag);
  const rate = bucket?.u64(Tag.rate);
  const burst = bucket?.u64(Tag.burst);
  return rate === undefined || burst === undefined ? undefined : { rate, burst };
}
