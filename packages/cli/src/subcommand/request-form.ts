// Some names are a request's and a subcommand's. Which one is meant is told by how it is written (docs/adr/0024): requests have
// fields and nothing else, `run --handle x --script y`; subcommands have operands and options of their own, `run app -- ls`.
import { messageTypes, type RequestType, ScalarType } from 'warden-protocol';
import { flagsOf } from '../fields.js';

/** Whether the words behind the name of a request are its fields. */
export function isRequestForm(type: RequestType, words: readonly string[]): boolean {
  const flags = flagsOf(messageTypes[type].request);
  const fields = new Map(flags.map(({ name, field }) => [name, field]));
  for (let at = 0; at < words.length; at++) {
    const [, path = '', inline] = /^--([^=]+)(=.*)?$/s.exec(words[at] as string) ?? [];
    if (path === 'handle') return true;
    const field = fields.get(path.replace(/\[\d+\]/g, '[N]')) ?? fields.get(`${path}[N]`);
    if (field === undefined) return false;
    if (inline === undefined && (field.scalar !== ScalarType.BOOL || /^(?:true|false)$/.test(words[at + 1] ?? ''))) at++;
  }
  return words.length > 0 || flags.every(({ rule }) => rule !== 'required');
}
