/**
 * What is installed where. /usr/lib/warden is laid out as a checkout is, without sources and tests, so that whatever finds its neighbours there finds them here, too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findOrphans } from '../setup/build.mjs';
import { root } from '../setup/prepare.mjs';
import { SetupError } from '../setup/setup-error.mjs';
import { manualPages } from './manual.mjs';
import { filesOfModule, findProductionModules } from './production-modules.mjs';

/** @typedef {import('./tree.mjs').Tree} Tree */

const HOME = 'usr/lib/warden';
const PACKAGES = ['packages/protocol', 'packages/client', 'packages/cli', 'packages/server'];
/** Programs that only the build runs. */
const BUILD_PROGRAMS = new Set(['seccomp-compile']);
const SERVICE_SCRIPTS = ['service/assemble-root-file-system.mjs', 'service/end-containers.mjs'];
const SCRIPT_MODULES = ['service/depot-server.mjs', 'setup/kernel-checks.mjs', 'setup/program.mjs', 'setup/root-file-system.mjs', 'setup/root-file-system-recipe.mjs', 'setup/setup-error.mjs'];
const SYSTEMD = /** @type {const} */ ([
  ['warden.service', 'usr/lib/systemd/system/warden.service'], ['warden.socket', 'usr/lib/systemd/system/warden.socket'],
  ['warden.sysusers.conf', 'usr/lib/sysusers.d/warden.conf'], ['warden.tmpfiles.conf', 'usr/lib/tmpfiles.d/warden.conf'],
]);
/** Where shells look for what completes a command's words. */
const COMPLETIONS = /** @type {const} */ ([
  ['bash', 'usr/share/bash-completion/completions/warden'], ['zsh', 'usr/share/zsh/vendor-completions/_warden'], ['fish', 'usr/share/fish/vendor_completions.d/warden.fish'],
]);
/** What config/linux.yml says otherwise in a package: each has to be there once. */
const CONFIGURATION_CHANGES = /** @type {const} */ ([
  ['#   unix_domain_group: warden\n', 'unix_domain_group: warden\n'],
  ['docs/configuration.md describes every key', 'warden.yml(5) describes every key'],
  ['`npm start` assembles this one from this machine\'s\n', 'Each start of the service assembles this one from this machine\'s\n'],
  ['Default: native/build/release of this checkout.', 'Default: /usr/lib/warden/native/build/release.'],
]);

/** The native programs, by the lines of the Makefile that build them. @returns {string[]} */
export function nativePrograms() {
  const folder = join(root, 'native');
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name !== 'build').flatMap(({ name }) => {
    if (!readdirSync(join(folder, name)).includes('rules.mk')) return [];
    return [...readFileSync(join(folder, name, 'rules.mk'), 'utf8').matchAll(/^PROGRAMS \+= (.+)$/gm)].flatMap((match) => (match[1] ?? '').trim().split(/\s+/));
  });
  return names.filter((name) => !BUILD_PROGRAMS.has(name)).sort();
}

/** @param {string} text of config/linux.yml @returns {string} of /etc/warden/config.yml */
export function packagedConfiguration(text) {
  return CONFIGURATION_CHANGES.reduce((changed, [from, to]) => {
    if (changed.split(from).length !== 2) throw new SetupError(`config/linux.yml does not have ${JSON.stringify(from)} once, which is another in the package: see scripts/package/contents.mjs`);
    return changed.replace(from, () => to);
  }, text);
}

/**
 * With the interpreter that the package depends on, whatever else is in somebody's PATH. The kernel passes on one argument of that line.
 * @param {string} text of a program that begins with `#!/usr/bin/env`
 */
export function installedProgram(text) {
  const [line = '', , options = ''] = /^#!\/usr\/bin\/env (-S )?node\b *(.*)$/m.exec(text) ?? [];
  if (line === '' || !text.startsWith(line)) throw new SetupError(`a program begins with ${JSON.stringify(text.slice(0, 40))}, and not with the line that names its interpreter`);
  const interpreter = /\s/.test(options) ? `/usr/bin/env -S /usr/bin/node ${options}` : `/usr/bin/node ${options}`.trimEnd();
  return `#!${interpreter}${text.slice(line.length)}`;
}

/** @param {Tree} tree */
function addPrograms(tree) {
  for (const name of ['warden', 'wardend']) tree.write(`${HOME}/bin/${name}`, installedProgram(readFileSync(join(root, 'bin', name), 'utf8')), 0o755);
  tree.link('usr/bin/warden', '../lib/warden/bin/warden');
  tree.link('usr/sbin/wardend', '../lib/warden/bin/wardend');
  for (const path of SERVICE_SCRIPTS) tree.write(`${HOME}/scripts/${path}`, installedProgram(readFileSync(join(root, 'scripts', path), 'utf8')), 0o755);
  for (const path of SCRIPT_MODULES) tree.copy(`${HOME}/scripts/${path}`, join(root, 'scripts', path));
  const orphans = new Set(findOrphans(root));
  for (const path of PACKAGES) {
    tree.copy(`${HOME}/${path}/package.json`, join(root, path, 'package.json'));
    for (const file of filesOfModule(join(root, path, 'dist')).filter((built) => !orphans.has(join(root, path, 'dist', built)))) tree.copy(`${HOME}/${path}/dist/${file}`, join(root, path, 'dist', file));
    const { name } = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'));
    tree.link(`${HOME}/node_modules/${name}`, `../${path}`);
  }
  for (const name of nativePrograms()) tree.copy(`${HOME}/native/build/release/${name}`, join(root, 'native/build/release', name), 0o755);
  tree.copy(`${HOME}/native/build/release/seccomp.bpf`, join(root, 'native/build/release/seccomp.bpf'));
}

/** @param {Tree} tree */
function addModules(tree) {
  const modules = findProductionModules(root, PACKAGES);
  for (const { directory } of modules) {
    for (const file of filesOfModule(directory)) {
      const content = readFileSync(join(directory, file));
      // their programs are for the shell of somebody who develops
      if (content.subarray(0, 2).toString() !== '#!') tree.write(`${HOME}/${relative(root, directory)}/${file}`, content);
    }
  }
  return modules;
}

/** @param {Tree} tree */
function addService(tree) {
  for (const [from, to] of SYSTEMD) tree.copy(to, join(root, 'packaging/systemd', from));
  tree.write('etc/warden/config.yml', packagedConfiguration(readFileSync(join(root, 'config/linux.yml'), 'utf8')));
  tree.directory('etc/warden/conf.d');
  tree.copy('usr/share/lintian/overrides/warden', join(root, 'packaging/debian/lintian-overrides'));
}

/** @param {Tree} tree */
async function addCompletions(tree) {
  const { SHELL_SCRIPTS } = /** @type {{ SHELL_SCRIPTS: ReadonlyMap<string, string> }} */ (await import(pathToFileURL(join(root, 'packages/cli/dist/completion/scripts.js')).href));
  for (const [shell, path] of COMPLETIONS) {
    const script = SHELL_SCRIPTS.get(shell);
    if (script === undefined) throw new SetupError(`warden completion ${shell} has no script any more, which the package installs`);
    tree.write(path, script);
  }
}

/**
 * @param {Tree} tree
 * @param {{ version: string, debianVersion: string, maintainer: string, seconds: number }} release
 * @param {readonly import('./production-modules.mjs').NodeModule[]} modules
 */
async function addDocuments(tree, { version, debianVersion, maintainer, seconds }, modules) {
  const folder = 'usr/share/doc/warden';
  for (const name of readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'))) tree.copy(`${folder}/${name}`, join(root, 'docs', name));
  const date = new Date(seconds * 1000);
  for (const { file, section, text } of await manualPages({ version, date: date.toISOString().slice(0, 10) })) {
    tree.writeCompressed(`usr/share/man/man${section}/${file}.gz`, text);
  }
  tree.writeCompressed(`${folder}/changelog.gz`, readFileSync(join(root, 'CHANGELOG.md'), 'utf8'));
  const when = date.toUTCString().replace('GMT', '+0000');
  tree.writeCompressed(`${folder}/changelog.Debian.gz`, `warden (${debianVersion}) unstable; urgency=medium\n\n  * Built from warden's own repository; changelog.gz has the changes.\n\n -- ${maintainer}  ${when}\n`);
  const theirs = modules.map(({ name, version: installed, license }) => ` ${name} ${installed}: ${license}`).join('\n');
  tree.write(`${folder}/copyright`, readFileSync(join(root, 'packaging/debian/copyright'), 'utf8').replace('@MODULES@\n', () => `${theirs}\n`));
}

/**
 * @param {Tree} tree empty
 * @param {{ version: string, debianVersion: string, maintainer: string, seconds: number }} release
 */
export async function addContents(tree, release) {
  addPrograms(tree);
  const modules = addModules(tree);
  addService(tree);
  await addCompletions(tree);
  await addDocuments(tree, release, modules);
}
