/* Completion of command lines in real shells, which ask the real program; and handles that a shell would like to run. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FakeServer } from 'warden-client/testing';
import { Type } from 'warden-protocol';
import { wardenProgram } from '../harness/paths.js';
import { mustRun } from '../harness/run-program.js';

const directory = mkdtempSync(join(tmpdir(), 'completion-'));
const canary = join(directory, 'canary');
/** What a shell would run, expand or split if it evaluated them. */
const HOSTILE = [`$(touch ${canary})`, `\`touch ${canary}\``, `;touch ${canary};`, 'two words', '*', '~root', 'it\'s', '"', 'a\\b', '$HOME', 'x:y', 'x=y'];
const HANDLES = ['demo', 'demo-2', ...HOSTILE];
let server: FakeServer;

before(async () => {
  server = await FakeServer.listen({ [Type.List]: () => ({ handles: HANDLES }) });
  writeFileSync(join(directory, 'file.txt'), '');
  for (const shell of ['bash', 'zsh', 'fish']) writeFileSync(join(directory, `script.${shell}`), await mustRun(wardenProgram, ['completion', shell]));
});

after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

async function run(shell: string, args: readonly string[]): Promise<string[]> {
  const output = await mustRun(shell, args, { cwd: directory, env: { PATH: process.env['PATH'], HOME: directory, WARDEN_SOCKET: server.path, PROGRAM: wardenProgram, LC_ALL: 'C.UTF-8' }, timeoutMs: 60_000 });
  assert.ok(!existsSync(canary), 'nothing that a handle says was run');
  return output.split('\n').filter((line) => line !== '');
}

/** What bash has in COMPREPLY, and each as bash then reads it. */
function inBash(line: string): Promise<string[]> {
  return run('bash', ['--norc', '-c', `
    source ./script.bash
    complete -p warden > /dev/null || exit 1
    COMP_LINE=$1 COMP_POINT=\${#1}
    read -ra COMP_WORDS <<< "$1"
    [[ $1 == *' ' ]] && COMP_WORDS+=('')
    COMP_WORDS[0]=$PROGRAM COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _warden
    for reply in "\${COMPREPLY[@]}"; do eval "printf '%s\\n' $reply"; done`, 'bash', line]);
}

function inZsh(words: readonly string[]): Promise<string[]> {
  return run('zsh', ['-f', '-c', `
    compdef() { : }
    functions[compadd]='print -rl -- "\${texts[@]}"'
    functions[_files]='print -rl -- FILES'
    source ./script.zsh
    words=("$PROGRAM" "$@") CURRENT=$(( $# + 1 ))
    _warden`, 'zsh', ...words]);
}

/** As fish offers it, without what it says about it. */
async function inFish(line: string): Promise<string[]> {
  const offered = await run('fish', ['--no-config', '-c', 'source ./script.fish; complete -C "$argv[1]"', line]);
  return offered.map((each) => each.split('\t')[0] as string);
}

test('bash', async () => {
  assert.deepEqual(await inBash('warden inspe'), ['inspect']);
  assert.deepEqual(await inBash('warden stats --no'), ['--no-stream']);
  assert.deepEqual(await inBash('warden top -o j'), ['json']);
  assert.deepEqual(await inBash('warden top '), HANDLES);
  assert.deepEqual(await inBash('warden top x:'), ['y'], 'readline replaces what is behind the colon');
  assert.deepEqual(await inBash('warden cp fi'), ['file.txt']);
});

test('zsh', async () => {
  assert.deepEqual(await inZsh(['inspe']), ['inspect']);
  assert.deepEqual(await inZsh(['top', '']), HANDLES);
  assert.deepEqual(await inZsh(['cp', './fi']), ['FILES']);
});

test('fish', async () => {
  const [program] = [wardenProgram];
  assert.deepEqual(await inFish(`${program} inspe`), ['inspect']);
  assert.deepEqual(await inFish(`${program} top de`), ['demo', 'demo-2']);
  assert.deepEqual((await inFish(`${program} top `)).length, HANDLES.length);
  assert.deepEqual(await inFish(`${program} cp ./fi`), ['./file.txt']);
});
