import * as assert from 'uvu/assert';
import { isPassingProblem, listenProblem } from '../../src/config/listen-problem.js';
import { loadConfig } from '../../src/config/load-config.js';
import { ConfigError } from '../../src/errors.js';
import { suite } from '../support/suite.js';

const test = suite('an address that cannot be listened on');

const { config } = loadConfig({ port: ['5000'], httpPort: ['5080'] }, {});
const errorOf = (code: string) => Object.assign(new Error(code), { code });
const sentence = (code: string, side: 'tcp' | 'http') => {
  const problem = listenProblem(errorOf(code), side, config);
  assert.instance(problem, ConfigError);
  return (problem as ConfigError).message;
};

test('a port in use is told under the option of that port, a wrong address under that of the host', () => {
  assert.is(
    sentence('EADDRINUSE', 'tcp'),
    '--port: port 5000 on 0.0.0.0 is in use by another process; choose another with --port or TRAMA_PORT',
  );
  assert.match(sentence('EACCES', 'http'), /^--http-port: port 5080 on 127\.0\.0\.1 may not be listened on/);
  assert.match(sentence('EADDRNOTAVAIL', 'http'), /^--http-host: "127\.0\.0\.1" is not an address of this machine/);
});

test('a missing file descriptor is told as what it is, and may be over in a moment', () => {
  const told = 'no file descriptor is left for port 5080 on 127.0.0.1; raise the limit of open files (ulimit -n)';
  assert.is(sentence('EMFILE', 'http'), told);
  assert.equal(
    ['EMFILE', 'ENFILE', 'EADDRINUSE'].map((code) => isPassingProblem(errorOf(code))),
    [true, true, false],
  );
});

test('what is not about the address comes back as it is', () => {
  for (const error of [errorOf('EOTHER'), new Error('x'), undefined, 'text']) {
    assert.is(listenProblem(error, 'tcp', config), error);
    assert.is(isPassingProblem(error), false);
  }
});

test.run();
