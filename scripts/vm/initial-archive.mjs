/** The initial RAM file system of the test machine: init, compiled from its source, and the kernel modules, in the order in which it loads them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeEnd, runProgram } from '../setup/program.mjs';
import { SetupError } from '../setup/setup-error.mjs';
import { packArchive } from './cpio.mjs';
import { collectModules } from './modules.mjs';

/** All of them at once: nothing in the machine answers when the kernel asks for a module. */
const MODULES = [
  'virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_rng', 'ext4', 'xfs', 'btrfs', 'overlay', 'quota_v2', 'loop', 'veth', 'ifb', 'dummy', 'bridge',
  'sch_tbf', 'sch_ingress', 'cls_u32', 'cls_matchall', 'act_mirred', 'act_police',
  'nf_tables', 'nft_chain_nat', 'nft_ct', 'nft_masq', 'nft_nat', 'nft_redir', 'nft_log', 'nft_limit', 'nft_reject_inet', 'nf_conntrack_netlink', 'nf_log_syslog',
  'nft_fib_inet', 'nft_connlimit', 'tcp_diag', 'udp_diag',
];
const COMPILE_DEADLINE_MS = 60_000;

/**
 * @param {import('./kernel.mjs').Kernel} kernel
 * @param {string} source init.c
 * @param {string} directory for the compiled program
 * @returns {Promise<Buffer>}
 */
export async function makeInitialArchive(kernel, source, directory) {
  const program = join(directory, 'init');
  const compiled = await runProgram('musl-gcc', ['-std=gnu17', '-O2', '-Wall', '-Wextra', '-Werror', '-static', '-o', program, source], { deadlineMs: COMPILE_DEADLINE_MS });
  if (compiled.status !== 0) throw new SetupError(`compiling ${source}: musl-gcc ${describeEnd(compiled, COMPILE_DEADLINE_MS)}: ${compiled.output}`);
  const modules = collectModules(kernel.modules, MODULES).map(({ name, content }) => ({ name: `modules/${name}.ko`, content }));
  return packArchive([
    { name: 'dev' }, { name: 'modules' }, { name: 'init', content: readFileSync(program) },
    ...modules, { name: 'modules/order', content: Buffer.from(modules.map(({ name }) => `/${name}\n`).join('')) },
  ]);
}
