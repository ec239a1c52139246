/** The WWW-Authenticate header: which ways there are to say who one is (RFC 9110, 11.6.1). Pure. */

export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const headerLimit = 8192;
const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
/** A parameter, the scheme of the next challenge, or what separates them. */
const piece = new RegExp(`(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))|(${token})(?=\\s|,|$)|[\\s,]+`, 'gy');

/** What cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (const match of header.slice(0, headerLimit).matchAll(piece)) {
    const [, name, quoted, plain, scheme] = match;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    else if (name !== undefined) challenges.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return challenges;
}
