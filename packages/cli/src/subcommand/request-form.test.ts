import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestTypeOf, Type } from 'warden-protocol';
import { isRequestForm } from './request-form.js';

const isRequest = (line: string): boolean => {
  const [name = '', ...words] = line.split(' ');
  return isRequestForm(requestTypeOf(name) ?? Type.Ping, words);
};

describe('a word list is a request', () => {
  for (const line of [
    'run --handle x --script ls', 'run --script ls --handle=x', 'run --privileged --handle x --args ls', 'run --privileged true --handle x', 'run --env A=1 --env[1] B=2 --handle x',
    'run --rlimits.nofile 64 --handle x', 'run --tty.rows 24 --handle x', 'run --args --handle --handle x', 'run --handle x stray', 'run --script ls', 'stop --handle x --kill', 'stop --kill --handle x', 'create', 'create --handle x',
    'create --rootfs /x --bind_mounts[0].src_path /a', 'create --grace_time=3', 'create --hooks[2].args[0] x',
  ]) it(`when it has nothing but fields: ${line}`, () => assert.equal(isRequest(line), true));

  for (const line of [
    'run', 'run x', 'run x --handle y', 'run -- x --handle y', 'run -it x', 'run --rm x', 'run --privileged x', 'run --user root x', 'run --user root x --handle y', 'run --tty x', 'stop', 'stop x', 'stop -k x',
    'stop --kill x', 'create x', 'create --name x', 'create --rootfs /x y', 'create -m 1M', 'create --help', 'run --help', 'create --bind_mounts /x', 'run --__proto__ x',
  ]) it(`and not otherwise: ${line}`, () => assert.equal(isRequest(line), false));
});
