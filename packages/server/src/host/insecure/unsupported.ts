/** What a machine without rights cannot do is said in one way. */
import { WardenError } from 'warden-protocol';

/** @param what begins the sentence, for example "limit_memory" */
export function unsupported(what: string): WardenError {
  return new WardenError('unsupported', `${what}: this server makes plain processes (server.container_klass: Insecure), which it cannot do that with; it takes a server of Linux containers`);
}
