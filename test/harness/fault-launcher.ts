/*
 * A launcher that stands between wardend and the real one and spoils creates on demand: the daemon under test is the
 * real one, and so is everything below. It passes frames on (docs/native.md); into a CREATE it puts the fault that the
 * file FAULT_FILE names, so that the builds with WARDEN_FAULTS fail at that step, or it kills the real launcher behind it.
 *
 * FAULT_FILE holds JSON: {"step": TEXT, "errno": NUMBER} or {"kill": "begun" | "made"}, which kills it when it has got a CREATE, or when it has answered it;
 * absent: nothing is spoilt. What a launcher says that is about to be killed nobody hears: on a machine that is busy it may have been faster.
 * Started by a script that `writeFaultLauncher` makes.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CREATE = 2;
const HEADER = 8;
const TAG_STEP = 3;
const TAG_ERRNO = 4;
const TAG_FAULT = 7;

function attribute(tag: number, content: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt16LE(tag, 0);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}

interface Fault { readonly step?: string; readonly errno?: number; readonly kill?: 'begun' | 'made' }

function withFault(frame: Buffer, { step = '', errno = 0 }: Fault): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(errno);
  const body = Buffer.concat([
    frame.subarray(HEADER), attribute(TAG_FAULT, Buffer.concat([attribute(TAG_STEP, Buffer.from(step)), attribute(TAG_ERRNO, number)])),
  ]);
  const header = Buffer.from(frame.subarray(0, HEADER));
  header.writeUInt32LE(body.length, 0);
  return Buffer.concat([header, body]);
}

/** Runs as the launcher: descriptor 3 leads to wardend. */
export function serve(realLauncher: string, faultFile: string): void {
  const wardend = new net.Socket({ fd: 3, readable: true, writable: true });
  const real = spawn(realLauncher, [], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'], env: {}, cwd: '/' });
  const launcher = real.stdio[3] as Socket;
  let pending: Buffer = Buffer.alloc(0);
  let kill: Fault['kill'];
  wardend.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER && pending.length >= HEADER + pending.readUInt32LE(0)) {
      const frame = pending.subarray(0, HEADER + pending.readUInt32LE(0));
      pending = pending.subarray(frame.length);
      const fault: Fault = frame.readUInt16LE(4) === CREATE && existsSync(faultFile) ? JSON.parse(readFileSync(faultFile, 'utf8')) as Fault : {};
      kill ??= fault.kill;
      launcher.write(fault.step === undefined ? frame : withFault(frame, fault), () => {
        if (fault.kill === 'begun') real.kill('SIGKILL');
      });
    }
  });
  wardend.on('end', () => launcher.end());
  wardend.on('error', () => launcher.destroy());
  launcher.on('data', (chunk: Buffer) => {
    if (kill === undefined) wardend.write(chunk);
    else real.kill('SIGKILL');
  });
  launcher.on('error', () => wardend.destroy());
  real.on('exit', (status) => process.exit(status ?? 1));
}

/**
 * Makes a directory for server.programs_path: the programs of `programs`, with this launcher in front of the real one.
 * @returns the path of the fault file
 */
export function writeFaultLauncher(directory: string, programs: string): string {
  mkdirSync(directory, { recursive: true });
  const faultFile = join(directory, 'fault.json');
  for (const name of readdirSync(programs).filter((each) => each !== 'launcher')) symlinkSync(join(programs, name), join(directory, name));
  const module = JSON.stringify(fileURLToPath(import.meta.url));
  const script = `#!${process.execPath}\nimport(${module}).then(({ serve }) => serve(${JSON.stringify(join(programs, 'launcher'))}, ${JSON.stringify(faultFile)}));\n`;
  writeFileSync(join(directory, 'launcher'), script);
  chmodSync(join(directory, 'launcher'), 0o755);
  return faultFile;
}
