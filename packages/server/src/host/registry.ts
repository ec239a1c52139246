/** A registry of images, as a pull needs it. */
import type { Digest } from '../lib/digest.js';

/** Used for one pull; nobody writes them anywhere. */
export interface RegistryCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly identityToken: string | undefined;
}

export interface RegistryOrder {
  /** HOST or HOST:PORT. */
  readonly host: string;
  readonly repository: string;
  /** A tag, or the digest of a manifest. */
  readonly reference: string;
  readonly credentials: RegistryCredentials | undefined;
  /** OS/ARCHITECTURE[/VARIANT]; undefined: the machine's own. */
  readonly platform: string | undefined;
}

export interface RemoteLayer {
  /** Of the file as the registry has it, mostly compressed. */
  readonly digest: Digest;
  readonly sizeInBytes: number;
}

/** What a reference stands for; its digests have been verified. */
export interface RemoteImage {
  readonly manifestDigest: Digest;
  /** JSON. */
  readonly config: Uint8Array;
  /** The lowest first. */
  readonly layers: readonly RemoteLayer[];
}

/** One conversation about one image. */
export interface RegistrySession {
  /** @throws WardenError not_found, permission, unavailable, protocol, timeout, exhausted */
  resolve(): Promise<RemoteImage>;
  /**
   * Fetches a layer, going on with what an earlier try has left, and verifies it. Of one layer only one may be under way in all sessions.
   * @returns the path of the file
   */
  fetch(layer: RemoteLayer, progress: (doneInBytes: number) => void): Promise<string>;
  /** Removes the file of a layer that was fetched. */
  drop(layer: RemoteLayer): void;
  /** Ends it; what is under way fails. */
  close(): void;
}

export interface Registry {
  open(order: RegistryOrder): RegistrySession;
}
