/*
 * Texts and numbers that are put into every field of every request, and the canary that tells whether any of them did more than be a text.
 * Which fields there are is read from the harness's table of messages, so that a field that is added is attacked as well.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { operations } from './wire.js';
import type { Fields, FieldKind, OperationName, Schema, Value } from './wire.js';

/** A directory with a file in it that nobody touches: everything there is to see of both, down to the time of the last change. */
export class Canary {
  readonly victim: string;

  constructor(readonly directory: string) {
    this.victim = join(directory, 'victim');
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(this.victim, 'untouched\n', { mode: 0o600 });
  }

  look(): string[] {
    const paths = [this.directory, ...readdirSync(this.directory).map((name) => join(this.directory, name))];
    return paths.map((path) => {
      const { mode, uid, gid, size, mtimeMs, ctimeMs } = lstatSync(path);
      return [path, mode, uid, gid, size, mtimeMs, ctimeMs, path === this.victim ? readFileSync(path, 'utf8') : ''].join(' ');
    });
  }

  /** What a shell, rsync, chown, tar, iptables or nft would take for something else than a text. */
  texts(): string[] {
    const mark = join(this.directory, 'mark');
    const command = `touch ${mark}`;
    return [
      `$(${command})`, `\`${command}\``, `;${command};`, `|${command}`, `&${command}&`, `x && ${command}`, `' ; ${command} ; '`, `" ; ${command} ; "`, `\n${command}\n`, `\r\n${command}\r\n`,
      `x) ; ${command} ; (x`, `>${mark}`, `x >(${command})`, `x <(${command})`, `\${IFS}$(${command.replace(' ', '${IFS}')})`, `-c ${command}`, `x;exec ${command}`, `#{\`${command}\`}`,
      `--rsh=${command}`, `-e ${command}`, `--log-file=${mark}`, `--reference=${this.victim}`, `--to-command=${command}`, `--checkpoint-action=exec=${command}`, `host:${mark}`, `host::module${mark}`,
      `--modprobe=${mark}`, '-j ACCEPT', '1:2 -j ACCEPT', '1:2 -m comment --comment x', '1.2.3.4 -j ACCEPT', '1.2.3.4/33', '1.2.3.4-', '-1.2.3.4', '1.2.3.4-1.2.3.3', '1.2.3', '01.2.3.4', '1.2.3.4/0x8', '::1', '::/0', '! 1.2.3.4',
      '5:1', '1:1', '1:65536', ':', '1:2:3', '0:0', '1,2', 'localhost', 'example..com', '*', '*.', '.',
      '; flush ruleset', '} flush ruleset', `"; include "${this.victim}"; "`, '0.0.0.0/0 accept; }', '@interfaces', '$define',
      '__proto__', 'constructor', '%s%n%s%n', '\u0000', 'a\u0000b', '\u001b]0;x\u0007', '\u202e', '~root', '[a-z]*', `${'../'.repeat(16)}${mark}`, mark, 'x'.repeat(70_000), '😀'.repeat(2_000),
    ];
  }

  /** Of characters that mean something to somebody. */
  random(choose: (limit: number) => number): string {
    const pieces = ['$(', ')', '`', ';', '|', '&', '\'', '"', '\\', '\n', ' ', '${IFS}', '>', '<', '*', '?', '[', '{', '}', '!', '#', '~', '--', '-', '=', ':', '/', '..', '%', '@', ',', '\u0000', 'touch', 'x', '1', '0.0.0.0/0',
      join(this.directory, 'mark'), this.victim];
    return Array.from({ length: 1 + choose(12) }, () => pieces[choose(pieces.length)]).join('');
  }
}

/** Numbers at which something changes its meaning. What does not fit the field is sent as well. */
export const numbers: readonly bigint[] = [0n, 1n, 80n, 65_535n, 65_536n, 2_147_483n, 2_147_484n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

/** The same for fields with a sign. */
export const signedNumbers: readonly bigint[] = [0n, 1n, 255n, 256n, 65_536n, 2n ** 31n - 1n, -1n, -2n, -256n, -(2n ** 31n)];

/** A field of a request by its path, `net_out.network` or `create.bind_mounts.src_path`. */
export interface FieldOfRequest { readonly operation: OperationName; readonly path: readonly string[]; readonly name: string; readonly kind: FieldKind }

export function fieldsOfKind(isWanted: (kind: FieldKind) => boolean): FieldOfRequest[] {
  const walk = (operation: OperationName, schema: Schema, before: readonly string[]): FieldOfRequest[] =>
    Object.entries(schema).flatMap(([name, { kind }]) => {
      const path = [...before, name];
      if (typeof kind === 'object') return walk(operation, kind, path);
      return isWanted(kind) ? [{ operation, path, name: [operation, ...path].join('.'), kind }] : [];
    });
  return (Object.keys(operations) as OperationName[]).flatMap((operation) => walk(operation, operations[operation].request, []));
}

/** The same request with another value in one field. */
export function withValue(operation: OperationName, request: Fields, path: readonly string[], value: Value): Fields {
  return replace(operations[operation].request, request, path, value);
}

function replace(schema: Schema, fields: Fields, path: readonly string[], value: Value): Fields {
  const [name = '', ...rest] = path;
  const definition = schema[name];
  if (definition === undefined) throw new Error(`the message has no field ${name}`);
  const before = fields[name];
  const inner = Array.isArray(before) ? (before as Value[])[0] : before;
  const replaced = rest.length === 0 || typeof definition.kind !== 'object' ? value : replace(definition.kind, (inner ?? {}) as Fields, rest, value);
  return { ...fields, [name]: definition.repeated ? [replaced] : replaced };
}
