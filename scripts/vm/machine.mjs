/**
 * One run of the test machine, in software emulation: it needs no /dev/kvm and is the same everywhere. Each depot has a
 * port of its own to the host, on which lines come; what kernel, init and the programs say to the console is kept.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const PROGRAM = 'qemu-system-x86_64';
/** Without AVX, which is emulated more slowly than what programs do instead. */
const PROCESSOR_MODEL = 'Nehalem';
const MEMORY_MIB = 2048;
const PROCESSORS = 2;
/** The first of the descriptors behind standard error: one for each port. */
const FIRST_PORT = 3;
const KEPT_CONSOLE_LINES = 60;

/**
 * @typedef {object} Machine
 * @property {string} kernel
 * @property {string} initialArchive
 * @property {string} rootImage
 * @property {readonly { name: string, file: string }[]} disks
 */

/**
 * @typedef {object} MachineEnd
 * @property {boolean} timedOut it was ended because its deadline had passed
 * @property {string} how the end, as the second half of a sentence
 * @property {readonly string[]} console the last lines
 */

/**
 * @param {Machine} machine
 * @returns {string[]}
 */
function emulatorArguments({ kernel, initialArchive, rootImage, disks }) {
  return [
    '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-M', 'pc',
    '-accel', 'tcg,thread=multi', '-cpu', PROCESSOR_MODEL, '-smp', String(PROCESSORS), '-m', String(MEMORY_MIB),
    '-kernel', kernel, '-initrd', initialArchive, '-append', 'console=ttyS0 quiet panic=-1 mitigations=off',
    '-serial', 'stdio', '-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci',
    '-drive', `file=${rootImage},if=virtio,format=raw,cache=unsafe`,
    ...disks.flatMap(({ name, file }, index) => [
      '-drive', `file=${file},if=virtio,format=raw,cache=unsafe,discard=unmap`,
      '-chardev', `socket,id=${name},fd=${FIRST_PORT + index}`, '-device', `virtserialport,chardev=${name},name=${name}`,
    ]),
  ];
}

/**
 * @param {Machine} machine
 * @param {object} options
 * @param {number} options.deadlineMs after this the machine is ended
 * @param {(depot: string, line: string) => void} options.onLine a line came through a depot's port
 * @param {(line: string) => void} [options.onConsole]
 * @returns {Promise<MachineEnd>}
 */
export function runMachine(machine, { deadlineMs, onLine, onConsole }) {
  return new Promise((resolve) => {
    const child = spawn(PROGRAM, emulatorArguments(machine), { stdio: ['ignore', 'pipe', 'pipe', ...machine.disks.map(() => /** @type {const} */ ('pipe'))] });
    /** @type {string[]} */
    const kept = [];
    const keep = (/** @type {string} */ line) => {
      const text = line.replace(/\x1b[[c][0-9;?]*[A-Za-z]?/g, '');
      kept.push(text);
      if (kept.length > KEPT_CONSOLE_LINES) kept.shift();
      onConsole?.(text);
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream, crlfDelay: Infinity }).on('line', keep);
    machine.disks.forEach(({ name }, index) => {
      const input = /** @type {import('node:stream').Readable} */ (/** @type {unknown} */ (child.stdio[FIRST_PORT + index]));
      createInterface({ input, crlfDelay: Infinity }).on('line', (line) => onLine(name, line));
    });
    let timedOut = false;
    const deadline = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, deadlineMs);
    const endChild = () => child.kill('SIGKILL');
    process.once('exit', endChild);
    child.once('error', (error) => keep(`${PROGRAM}: ${error.message}`));
    child.once('close', (status, signal) => {
      clearTimeout(deadline);
      process.removeListener('exit', endChild);
      const how = timedOut ? `was still running after ${Math.round(deadlineMs / 1000)} s` : signal ? `was ended by ${signal}` : `ended with status ${status}`;
      resolve({ timedOut, how, console: kept });
    });
  });
}
