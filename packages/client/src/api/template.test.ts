import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { WardenError } from 'warden-protocol';
import { templateArguments, type TemplateValue } from './template.js';

function template(parts: TemplateStringsArray, ...values: TemplateValue[]): string[] {
  return templateArguments(parts, values);
}

/** What this machine's bash makes of it. */
function run([program = '', ...words]: string[]): string {
  const { stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout;
}

const NASTY = ['a b', '$(id)', '`id`', '"; id; "', "'; id; '", '${HOME}', '*', '\\', '\n', '-rf', '', 'ü', '$1', '"${1}"', '#x', '<<EOF'];

describe('a template', () => {
  for (const value of NASTY) {
    it(`gives ${JSON.stringify(value)} as it is, in words, in quotes and in substitutions`, () => {
      assert.equal(run(template`printf '<%s>' ${value} x=${value} "y ${value} z" "$(printf '%s.' ${value})" "$(printf '%s.' "${value}")"`), `<${value}><x=${value}><y ${value} z><${value}.><${value}.>`);
    });
  }

  it('gives a list as words, in quotes as one', () => {
    assert.equal(run(template`printf '<%s>' ${NASTY}`), NASTY.map((value) => `<${value}>`).join(''));
    assert.equal(run(template`printf '<%s>' "${['a', 'b c']}"`), '<a b c>');
    assert.equal(run(template`printf '<%s>' a${[]}b`), '<ab>');
    const many = Array.from({ length: 30 }, (_, index) => index);
    assert.equal(run(template`printf '%s ' ${many}`), many.map((value) => `${value} `).join(''));
  });

  it('knows quotes, comments, escapes and nested substitutions', () => {
    const value = 'a  b';
    assert.equal(run(template`echo 'it is' "a \\" b" \\' # don't mind ' this
      printf '<%s>' ${value} # nor "this`), 'it is a " b \'\n<a  b>');
    assert.equal(run(template`printf '<%s>' "$(echo "$(printf '%s' ${value})" | tr a ${'c'})" ${value}`), '<c  b><a  b>');
    assert.equal(run(template`x=$( (echo 1); (echo 2) ); printf '<%s>' "$x" ${value} $((1 + (2 * 3)))`), '<1\n2><a  b><7>');
    assert.equal(run(template`cat <<< ${value}; echo $((1 << 2))`), 'a  b\n4\n');
    assert.equal(run(template`x=abc; echo ${'#'}x "${'${x'}#a}" $x#y`), '#x ${x#a} abc#y\n');
  });

  const refused: [() => unknown, RegExp][] = [
    [() => template`echo '${'x'}'`, /single quotes/],
    [() => template`echo # ${'x'}`, /a comment/],
    [() => template`echo \`ls ${'x'}\``, /backticks/],
    [() => template`echo \\${'x'}`, /backslash/],
    [() => template`echo \u`, /escape/],
    [() => template`cat <<EOF\n${'x'}\nEOF`, /here-document/],
    [() => template`cat <<-'EOF'\nx\nEOF`, /here-document/],
    [() => template`echo ${undefined as never}`, /not undefined/],
    [() => template`echo ${null as never}`, /not null/],
    [() => template`echo ${{} as never}`, /not object/],
    [() => template`echo ${[['a']] as never}`, /not object/],
  ];
  for (const [make, message] of refused) {
    it(`refuses what is told by ${message}`, () => assert.throws(make, (error) => error instanceof WardenError && error.code === 'invalid_argument' && message.test(error.message)));
  }
});
