import * as assert from 'uvu/assert';
import { howStarted } from '../../src/cli/how-started.js';
import { suite } from '../support/suite.js';

const test = suite('the command that a hint names');

test('is the one that works where the user is', () => {
  assert.is(howStarted('/home/me/trama/dist/src/cli/main.js', '/home/me/trama', {}), 'node dist/src/cli/main.js');
  assert.is(
    howStarted('/home/me/trama/dist/src/cli/main.js', '/home/me/trama', { npm_command: 'run-script' }),
    'node dist/src/cli/main.js',
  );
  assert.is(howStarted('/home/me/app/node_modules/.bin/trama', '/home/me/app', { npm_command: 'exec' }), 'npx trama');
  assert.is(howStarted('/home/me/app/node_modules/.bin/trama', '/home/me/app', {}), 'npx trama');
  assert.is(howStarted('/usr/local/bin/trama', '/home/me', {}), 'trama');
});

test('names a file elsewhere by its whole path, as a shell takes it', () => {
  assert.is(howStarted('/opt/trama/main.js', '/home/me', {}), 'node /opt/trama/main.js');
  assert.is(howStarted("/opt/it's mine/main.js", '/', {}), "node 'opt/it'\\''s mine/main.js'");
});

test.run();
