import * as assert from 'uvu/assert';
import { greeting } from '../../src/cli/greeting.js';
import { suite } from '../support/suite.js';

const test = suite('the lines for a person at a terminal');

const places = { version: '1.2.3', host: '0.0.0.0', port: 5000, httpHost: '127.0.0.1', httpPort: 5080 };

test('they say where it listens, what to try, with an address that can be called, and how to stop', () => {
  assert.is(
    greeting(places, 'npx trama'),
    'trama 1.2.3 listens on 0.0.0.0:5000 (TCP frames) and http://127.0.0.1:5080 (HTTP; see http://127.0.0.1:5080/docs)\n' +
      "Try it from another terminal: npx trama call 127.0.0.1 5000 sum '[1,2,3]'. Ctrl-C stops the server.\n",
  );
});

test('addresses of IPv6 are written so that they can be used', () => {
  const [first, second] = greeting({ ...places, host: '::', httpHost: '::' }, 'trama').split('\n') as [string, string];
  assert.match(first, /listens on \[::\]:5000 .* http:\/\/\[::1\]:5080\/docs\)$/);
  assert.match(second, /trama call ::1 5000 sum/);
});

test.run();
