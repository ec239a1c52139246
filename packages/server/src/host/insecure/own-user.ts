/** Who all processes belong to: the user that the server runs as. */
import { userInfo } from 'node:os';

export interface OwnUser {
  readonly uid: number;
  readonly gid: number;
  /** The number, when the machine does not know a name. */
  readonly name: string;
}

export function ownUser(): OwnUser {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  try {
    return { uid, gid, name: userInfo().username };
  } catch {
    // No line in /etc/passwd.
    return { uid, gid, name: String(uid) };
  }
}
