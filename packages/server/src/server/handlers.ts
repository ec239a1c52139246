/**
 * The table of requests: one handler for each type of the protocol. A type without a handler does not compile.
 */
import { encodeOutput, Type, type RequestOf, type RequestType, type ResponseInit } from 'warden-protocol';
import { CollectedOutput } from '../container/collected-output.js';
import type { Container } from '../container/container.js';
import type { Containers } from '../container/containers.js';
import { createContainer } from '../container/create.js';
import { checkCreateRequest, type CreateOrder } from '../container/create-request.js';
import { destroyContainer } from '../container/destroy.js';
import { consumeJob } from '../container/forget.js';
import { encodedInfoOf } from '../container/encoded-info.js';
import { infoForJob, infoWithUse } from '../container/info.js';
import { endingDetailsOf } from '../container/job-ending.js';
import { followJob, runJob, spawnJob, type Following } from '../container/jobs.js';
import { stopContainer } from '../container/stop.js';
import type { Call } from './call.js';
import { makeCopyHandlers } from './copy-handlers.js';
import { makeFileHandlers } from './file-handlers.js';
import { isRegistryReference, makeImageHandlers, pulledRootfs, type Images } from './image-handlers.js';
import { makeEventHandlers } from './event-handlers.js';
import { makeJobHandlers } from './job-handlers.js';
import { sendLargeResult, type RestOfReply, type ResultType } from './large-result.js';
import { makeLimitHandlers } from './limit-handlers.js';
import { answerList } from './list-handler.js';
import { makeNetHandlers } from './net-handlers.js';
import { makeProcessHandlers } from './process-handlers.js';

/** Output of one job that is kept for its reply; of more than that the reply is made while it is read from the monitor. */
const keepOutputInBytes = 1024 * 1024;

export type Handler<T extends RequestType> = (call: Call, request: RequestOf<T>) => ResponseInit<T> | Promise<ResponseInit<T> | RestOfReply>;

export type Handlers = { readonly [T in RequestType]: Handler<T> };

/** @param images undefined: this server has none */
export function makeHandlers(containers: Containers, images?: Images): Handlers {
  /** The container that a request names; the connection refers to it from now on. */
  function named(call: Call, handle: string): Container {
    const container = containers.get(handle);
    containers.references.name(call.client, container);
    return container;
  }

  /** At once when one was made in advance. */
  function createFor(call: Call, order: CreateOrder): ResponseInit<Type.Create> | Promise<ResponseInit<Type.Create>> {
    const created = (container: Container): ResponseInit<Type.Create> => {
      if (call.gone) containers.references.check(container);
      else containers.references.name(call.client, container);
      return { handle: container.handle };
    };
    const container = createContainer(containers, order);
    return container instanceof Promise ? container.then(created) : created(container);
  }

  /** Everything else about the request is checked before anything is fetched. */
  async function orderWithPulled(call: Call, { pull, registryAuth, rootfs, ...request }: RequestOf<Type.Create>): Promise<CreateOrder> {
    checkCreateRequest(request);
    return checkCreateRequest({ ...request, rootfs: await pulledRootfs(call, images, { rootfs, pull, registryAuth }) });
  }

  return {
    [Type.Ping]: () => ({}),
    [Type.Echo]: (_call, { message }) => ({ message }),
    [Type.List]: (_call, request) => answerList(containers, request),

    [Type.Create]: (call, request) => {
      if (isRegistryReference(request.rootfs)) return orderWithPulled(call, request).then((order) => createFor(call, order));
      return createFor(call, checkCreateRequest(request));
    },
    [Type.Info]: (call, { handle }) => {
      const container = named(call, handle);
      container.requireState('active', 'stopped');
      return infoWithUse(containers, container);
    },
    [Type.Stop]: async (call, { handle, background, kill }) => {
      const container = named(call, handle);
      const stopped = stopContainer(containers, container, { kill: kill ?? false });
      if (background === true) containers.inBackground(stopped, 'a stop in the background failed', container);
      else await stopped;
      return {};
    },
    [Type.Destroy]: async (call, { handle }) => {
      await destroyContainer(containers, named(call, handle));
      return {};
    },

    [Type.Spawn]: async (call, request) => ({ jobId: await spawnJob(containers, named(call, request.handle), request) }),
    [Type.Run]: async (call, request) => {
      const container = named(call, request.handle);
      const output = new CollectedOutput(keepOutputInBytes);
      const following = await runJob(containers, container, request, output, keepOutputInBytes);
      return await resultOf(containers, Type.Run, { call, container, following, output }, () => consumeJob(containers, container, following.job));
    },
    [Type.Link]: async (call, { handle, jobId }) => {
      const container = named(call, handle);
      const output = new CollectedOutput(keepOutputInBytes);
      const following = await followJob(containers, container, jobId, output, keepOutputInBytes);
      return await resultOf(containers, Type.Link, { call, container, following, output });
    },
    [Type.Stream]: async (call, { handle, jobId }) => {
      const container = named(call, handle);
      const output = { output: (name: 'stdout' | 'stderr', data: Buffer, _position: bigint, release?: () => void) => call.sendParts(encodeOutput(name, data), release) };
      const following = await followJob(containers, container, jobId, output);
      call.onWritable(() => following.resume());
      const exitStatus = await outcome(call, following);
      return { exitStatus, info: await infoForJob(containers, container, following.usage()), ...endingDetailsOf(following.job.exit) };
    },
    ...makeEventHandlers(containers, named),
    ...makeJobHandlers(containers, named),
    ...makeLimitHandlers(containers, named),
    ...makeNetHandlers(containers, named),
    ...makeCopyHandlers(containers, named),
    ...makeFileHandlers(containers, named),
    ...makeProcessHandlers(containers, named),
    ...makeImageHandlers(images),
  };
}

/** A run or a link under way. */
interface Collecting {
  readonly call: Call;
  readonly container: Container;
  readonly following: Following;
  readonly output: CollectedOutput;
}

/** The reply of a run or a link: with the output that was collected, or sent piece by piece when that is too much to keep. */
async function resultOf(containers: Containers, type: ResultType, { call, container, following, output }: Collecting, lost?: () => void) {
  const exitStatus = await outcome(call, following, lost);
  const info = infoForJob(containers, container, following.usage());
  const response = { exitStatus, info: encodedInfoOf(container, info instanceof Promise ? await info : info), ...endingDetailsOf(following.job.exit) };
  if (output.isWhole) return { ...response, stdout: output.get('stdout'), stderr: output.get('stderr') };
  return sendLargeResult(call, type, response, container, following.job, output);
}

/**
 * The exit status of a job that a request follows, until its client has gone; afterwards the job is forgotten when the
 * reply was written.
 * @param lost what to do with the job when no reply reached the client
 */
function outcome(call: Call, following: Following, lost: () => void = () => undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    call.onInterrupt((reason) => {
      following.abandon();
      lost();
      reject(reason);
    });
    void following.exitStatus.then((exitStatus) => {
      call.onReply((written) => {
        if (written) {
          following.delivered();
          return;
        }
        following.abandon();
        lost();
      });
      resolve(exitStatus);
    });
  });
}
