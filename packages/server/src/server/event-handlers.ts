/** The handler of `events`: what happens to containers, told until the client goes. */
import { encodeResponse, Type, type ResponseInit } from 'warden-protocol';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import type { Happening } from '../container/happenings.js';
import { endingDetailsOf, exitStatusOf } from '../container/job-ending.js';
import type { Call } from './call.js';
import type { Handlers } from './handlers.js';

/** What waits for a client that reads too slowly; of what comes beyond it is told only how many. */
const mostWaiting = 1000;

/** @param named finds the container of a request, to which the connection refers from then on */
export function makeEventHandlers(containers: Containers, named: (call: Call, handle: string) => Container): Pick<Handlers, Type.Events> {
  return {
    [Type.Events]: (call, { handle }) => {
      if (handle !== undefined) named(call, handle);
      const follower = new Follower(call);
      follower.tell({ kind: 'listening' });
      const end = containers.happenings.listen((of, happening) => {
        if (handle === undefined || of === handle) follower.tell({ handle: of, ...fieldsOf(happening) });
      });
      call.onWritable(() => follower.resume());
      return new Promise((_, reject) => {
        call.onInterrupt((reason) => {
          end();
          reject(reason);
        });
      });
    },
  };
}

type Fields = Omit<ResponseInit<Type.Events>, 'timeMs'>;

function fieldsOf(happening: Happening): Fields {
  switch (happening.kind) {
    case 'job_ended': {
      const { kind, jobId, exit } = happening;
      return { kind, jobId, exitStatus: exitStatusOf(exit), ...endingDetailsOf(exit) };
    }
    case 'job_started': return { kind: happening.kind, jobId: happening.jobId };
    case 'event': return { kind: happening.kind, event: happening.event };
    default: return { kind: happening.kind };
  }
}

/** One client, and what waits for it. */
class Follower {
  readonly #call: Call;
  readonly #waiting: ResponseInit<Type.Events>[] = [];
  #isWritable = true;
  #missed = 0;

  constructor(call: Call) {
    this.#call = call;
  }

  tell(fields: Fields): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#missed++;
      return;
    }
    this.#waiting.push({ ...fields, timeMs: BigInt(Date.now()), ...(this.#missed === 0 ? {} : { missed: this.#missed }) });
    this.#missed = 0;
    if (this.#isWritable) this.#send();
  }

  resume(): void {
    this.#isWritable = true;
    this.#send();
  }

  #send(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#isWritable = this.#call.sendParts([encodeResponse(Type.Events, next)]);
      if (!this.#isWritable) return;
    }
  }
}
