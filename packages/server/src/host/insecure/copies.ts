/** copy_in and copy_out: the same two processes as for Linux containers; the host's end is started here, without rights of its own. */
import { WardenError } from 'warden-protocol';
import type { Copies } from '../host.js';
import type { CopyOrder, Copying } from '../copies.js';
import { readCopyCounts, readCopyResult, writeCopyOrder } from '../linux/copy-messages.js';
import { FrameType } from '../linux/wire.js';
import { FrameWriter } from '../linux/wire-codec.js';
import { startProgram } from './native-exchange.js';
import type { OwnUser } from './own-user.js';
import { homePath, inRoot } from './places.js';

/** As many as the launcher of Linux containers has at once. */
const copiesAtOnce = 128;

export class InsecureCopies implements Copies {
  #underWay = 0;

  /** @param program native/files */
  constructor(
    private readonly program: string,
    private readonly user: OwnUser,
  ) {}

  start(order: CopyOrder, progress: Parameters<Copies['start']>[1]): Copying {
    const refusal = this.#refusal(order);
    if (refusal !== undefined) return { done: Promise.reject(refusal), giveUp: () => undefined };
    const writer = new FrameWriter();
    writeCopyOrder(writer, plainCopy(order, this.user), []);
    this.#underWay++;
    const running = startProgram({
      program: this.program,
      args: ['host', 'plain'],
      order: writer.frame(FrameType.copy),
      report: (type, attributes) => {
        if (type === FrameType.copyProgress) progress(readCopyCounts(attributes));
      },
    });
    const done = running.answer.then(readCopyResult).finally(() => this.#underWay--);
    return { done, giveUp: () => running.giveUp(new WardenError('canceled', 'the copy was given up')) };
  }

  #refusal({ direction, owner }: CopyOrder): WardenError | undefined {
    if (this.#underWay >= copiesAtOnce) return new WardenError('exhausted', `${copiesAtOnce} copies are under way`);
    const { uid, gid, name } = this.user;
    if (direction === 'out' && owner !== undefined && uid !== 0 && (owner.uid !== uid || owner.gid !== gid)) {
      return new WardenError('permission', `owner: this server runs as ${name} (${uid}:${gid}) and cannot give files to ${owner.uid}:${owner.gid} (server.container_klass: Insecure)`);
    }
    return undefined;
  }
}

/** Pure. What nobody is named for belongs to the server's own user. */
export function plainCopy(order: CopyOrder, { uid, gid }: OwnUser): CopyOrder {
  const { direction, directory, source, destination } = order;
  const own = (path: string): string => Buffer.from(inRoot(directory, Buffer.from(path))).toString();
  return {
    ...order,
    source: direction === 'out' ? own(source) : source,
    destination: direction === 'in' ? own(destination) : destination,
    user: { uid, gid, home: homePath },
    owner: order.owner ?? { uid, gid },
    writable: [],
  };
}

