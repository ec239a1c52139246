// What a job is started with, as a program would say it, and as the protocol does.
import { type RequestInit, type Type, WardenError } from 'warden-protocol';

/** A spawn or run request: a script, or an argument vector in its place. */
export type JobRequest = Omit<RequestInit<Type.Spawn>, 'script' | 'env' | 'timeoutMs'> & {
  /** Read by /bin/bash; may be left out with args, stdin or tty. */
  readonly script?: string | undefined;
  /** NAME=value, or an object of names and values; added to the job's environment and winning over it. */
  readonly env?: readonly string[] | Readonly<Record<string, string>> | undefined;
  /** Milliseconds after which every process of the job is killed. Not the call's own time-out, which leaves the job alone. */
  readonly timeoutMs?: number | bigint | undefined;
};

/** Throws invalid_argument for a time-out that is no number of milliseconds. */
export function wireJob(request: JobRequest): RequestInit<Type.Spawn> {
  // As most are: nothing to be said in another way.
  if (request.script !== undefined && request.env === undefined && request.timeoutMs === undefined) return request as RequestInit<Type.Spawn>;
  const { script, env, timeoutMs, ...rest } = request;
  const isOptional = (request.args?.length ?? 0) > 0 || request.stdin === true || request.tty !== undefined;
  return {
    ...rest,
    // What has to be there and is not is named when the request is encoded.
    script: script ?? (isOptional ? '' : undefined) as string,
    ...(env === undefined ? {} : { env: variablesOf(env) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs: wholeNumber('timeoutMs', timeoutMs) }),
  };
}

function variablesOf(env: readonly string[] | Readonly<Record<string, string>>): readonly string[] {
  return Array.isArray(env) ? env as readonly string[] : Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/** A number as the protocol's uint64. Throws invalid_argument, naming the field. */
export function wholeNumber(name: string, value: number | bigint): bigint {
  if (typeof value === 'bigint') return value;
  if (!Number.isSafeInteger(value) || value < 0) throw new WardenError('invalid_argument', `${name} is a whole number from 0, not ${value}`);
  return BigInt(value);
}
