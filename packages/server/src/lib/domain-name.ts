/**
 * Domain names as rules and queries have them, in one form: lower case, without the dot at the end. Pure.
 */

/** Of a name without its last dot: RFC 1035, 2.3.4. */
const nameLimit = 253;
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const namePattern = new RegExp(`^${label}(?:\\.${label})*$`);
const wildcard = '*.';

/**
 * A name in the form in which names are compared. Undefined when it is none: RFC 1123 with underscores, which names of services
 * begin with. Names of other alphabets are written as they are in DNS, `xn--…`.
 */
export function parseDomainName(text: string): string | undefined {
  if (text.length > nameLimit + 1) return undefined;
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (name.length > nameLimit || !namePattern.test(name)) return undefined;
  // A last label of digits makes an address of it, also for getaddrinfo(3), which never asks for one.
  return /(?:^|\.)[0-9]+$/.test(name) ? undefined : name;
}

/** One name, or `*.` and a name for all names below it. Undefined when the text is neither. */
export function parseDomainPattern(text: string): string | undefined {
  const isWildcard = text.startsWith(wildcard);
  const name = parseDomainName(isWildcard ? text.slice(wildcard.length) : text);
  if (name === undefined) return undefined;
  // What is below has to have room for a label and its dot.
  return isWildcard ? (name.length <= nameLimit - 2 ? `${wildcard}${name}` : undefined) : name;
}

/** Whether a pattern covers a name; both as parsed. `*.example.com` is every name below example.com, at any depth, and not example.com. */
export function domainPatternCovers(pattern: string, name: string): boolean {
  return pattern.startsWith(wildcard) ? name.endsWith(pattern.slice(1)) && name.length >= pattern.length : name === pattern;
}
