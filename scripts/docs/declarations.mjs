/**
 * What a package exports, read from its built declarations by the compiler itself: TypeScript 7 is a program with an
 * interface for others, which it calls unstable; package.json pins the version that this was written for.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { API } from 'typescript/unstable/sync';
import { SyntaxKind } from 'typescript/unstable/ast';

/**
 * @typedef {object} Member
 * @property {string} signature
 * @property {string} text what its docstring says; empty without one
 *
 * @typedef {object} Declaration
 * @property {string} name
 * @property {'class' | 'interface' | 'type' | 'function' | 'const' | 'enum'} kind
 * @property {string} text what its docstring says; empty without one
 * @property {string} code the declaration, of a class its first line
 * @property {readonly Member[]} members of a class: what is public
 * @property {string} source the file that it was built from, relative to the checkout
 */

/** @typedef {import('typescript/unstable/ast').Node} Node */

const KINDS = new Map([
  [SyntaxKind.ClassDeclaration, /** @type {const} */ ('class')],
  [SyntaxKind.InterfaceDeclaration, /** @type {const} */ ('interface')],
  [SyntaxKind.TypeAliasDeclaration, /** @type {const} */ ('type')],
  [SyntaxKind.FunctionDeclaration, /** @type {const} */ ('function')],
  [SyntaxKind.VariableDeclaration, /** @type {const} */ ('const')],
  [SyntaxKind.EnumDeclaration, /** @type {const} */ ('enum')],
]);

/**
 * @param {string} root the checkout, built
 * @param {string} entry the declarations of a package, relative to it
 * @returns {Declaration[]} those of our packages, sorted by name
 */
export function readDeclarations(root, entry) {
  // The project lies in the checkout, so that it finds the packages, among what is built: not of the client's, which is packed as it is.
  const built = join(root, 'scripts/dist');
  mkdirSync(built, { recursive: true });
  const directory = mkdtempSync(join(built, 'reference-'));
  const api = new API({ cwd: root });
  try {
    const configuration = join(directory, 'tsconfig.json');
    const path = join(root, entry);
    writeFileSync(configuration, JSON.stringify({ compilerOptions: { module: 'NodeNext', moduleResolution: 'NodeNext', target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'], noEmit: true }, files: [path] }));
    const [project] = api.updateSnapshot({ openProjects: [configuration] }).getProjects();
    const file = project?.program.getSourceFile(path);
    const module = file && project?.checker.getSymbolAtLocation(file);
    if (!project || !module) throw new Error(`${entry} declares nothing: build it first`);
    return project.checker.getExportsOfModule(module)
      .flatMap((symbol) => {
        // An alias says so; everything else is its own target.
        const target = symbol.declarations.length > 0 && KINDS.has(symbol.declarations[0]?.kind ?? SyntaxKind.Unknown) ? symbol : project.checker.getAliasedSymbol(symbol);
        const nodes = target.declarations.map((handle) => handle.resolve(project)).filter((node) => node !== undefined);
        return nodes.slice(0, 1).map((node) => describe(symbol.name, node, root));
      })
      .filter(({ source }) => source.startsWith('packages/'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    api.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * @param {string} name
 * @param {Node} node
 * @param {string} root
 * @returns {Declaration}
 */
function describe(name, node, root) {
  const kind = KINDS.get(node.kind);
  if (kind === undefined) throw new Error(`${name} is a ${SyntaxKind[node.kind]}, for which there is no form in the reference`);
  const file = node.getSourceFile();
  const source = relative(root, file.fileName).replace('/dist/', '/src/').replace(/\.d\.ts$/, '.ts');
  // The docstring and `export declare const` of a variable belong to its statement.
  const statement = kind === 'const' ? node.parent.parent : node;
  const text = docstring(statement);
  if (kind !== 'class') return { name, kind, text, source, members: [], code: named(name, kind, withoutExport(tidied(statement.getText(file)))) };
  const { members } = /** @type {import('typescript/unstable/ast').ClassDeclaration} */ (node);
  const body = members[0] === undefined ? '{' : file.text.slice(node.getStart(file), members[0].getFullStart());
  return {
    name, kind, text, source,
    code: withoutExport(tidied(body)).replace(/\s*\{$/, ''),
    members: members.filter((member) => isPublic(member, file)).map((member) => ({ signature: signatureOf(member, file), text: docstring(member) })),
  };
}

/**
 * @param {Node} member
 * @param {import('typescript/unstable/ast').SourceFile} file
 */
function isPublic(member, file) {
  const text = member.getText(file);
  return !/^(?:#|private |protected )/.test(text) && !/^\s*\/\*\*[^]*@internal/.test(file.text.slice(member.getFullStart(), member.getStart(file)));
}

/**
 * In one line; a parameter that is taken apart has no name of its own, and is called options.
 * @param {Node} member
 * @param {import('typescript/unstable/ast').SourceFile} file
 */
function signatureOf(member, file) {
  let text = member.getText(file);
  const start = member.getStart(file);
  const { parameters = [] } = /** @type {{ parameters?: readonly import('typescript/unstable/ast').ParameterDeclaration[] }} */ (/** @type {unknown} */ (member));
  for (const { name } of [...parameters].reverse()) {
    if (name.kind === SyntaxKind.ObjectBindingPattern) text = `${text.slice(0, name.getStart(file) - start)}options${text.slice(name.end - start)}`;
  }
  return text.replace(/\/\*\*[^]*?\*\/\s*/g, '').replace(/\s+/g, ' ').replace(/;$/, '');
}

/** @param {Node} node */
function docstring(node) {
  const file = node.getSourceFile();
  const comments = file.text.slice(node.getFullStart(), node.getStart(file)).match(/\/\*\*[^]*?\*\//g);
  return comments === null ? '' : textOf(/** @type {string} */ (comments.at(-1)));
}

/** @param {string} comment */
function textOf(comment) {
  const lines = comment.slice('/**'.length, -'*/'.length).split('\n').map((line) => line.replace(/^\s*\* ?/, '').trim());
  return lines.filter((line) => !line.startsWith('@generated')).join('\n').trim()
    .replace(/^@returns /gm, '\nReturns ').replace(/^@throws /gm, '\nThrows ').replace(/^@param (\w+) /gm, '\n`$1`: ');
}

/** By the name that it is exported under. @param {string} name @param {string} kind @param {string} code */
function named(name, kind, code) {
  return kind === 'const' ? code : code.replace(/^(\w+) \w+/, `$1 ${name}`);
}

/** Comments of one line in one line, and the indentation of people. @param {string} code */
function tidied(code) {
  return code.replace(/\/\*\*(?:\n\s*\*)* @generated [^]*?\*\/\s*/g, '').replace(/\/\*\*\n\s*\* (.*)\n\s*\*\//g, '/** $1 */').replace(/^(?: {4})+/gm, (spaces) => spaces.slice(spaces.length / 2));
}

/** @param {string} code */
function withoutExport(code) {
  return code.replace(/^(?:export )?(?:declare )?(?:default )?/, '');
}
