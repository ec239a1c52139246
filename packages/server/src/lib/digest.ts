/** Names of content by what is in it: `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** Undefined when the text is no such name. Other algorithms than SHA-256 are not known here. */
export function parseDigest(text: string): Digest | undefined {
  return /^sha256:[0-9a-f]{64}$/.test(text) ? (text as Digest) : undefined;
}
