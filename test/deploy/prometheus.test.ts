import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { families, httpFamilies } from '../../src/sidecar/metrics.js';
import { suite } from '../support/suite.js';

const test = suite('what Prometheus is given');

const folder = fileURLToPath(new URL('../../../deploy/prometheus/', import.meta.url));
const read = (file: string) => readFileSync(`${folder}${file}`, 'utf8');
const promtool = (...args: string[]) =>
  execFileSync('promtool', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });

test.needs('promtool', 'the configuration and its rules are in order', () => {
  assert.match(promtool('check', 'config', 'prometheus.yml'), /SUCCESS/);
});

test.needs('promtool', 'each alert fires in its trouble, and none in calm', () => {
  assert.match(promtool('test', 'rules', 'alerts.test.yml'), /SUCCESS/);
});

test('both tests of the rules name each alert', () => {
  const alerts = [...read('alerts.yml').matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  const [calm, trouble] = read('alerts.test.yml').split('name: a server in trouble');
  for (const alert of alerts) assert.match(calm!, new RegExp(`alertname: ${alert} `));
  // All but the one for a certificate, which takes an hour; that is counted by itself.
  assert.match(trouble!, new RegExp(`value: ${alerts.length - 1} `));
  assert.match(trouble!, /alertname="TramaCertificateEnds"/);
});

test('alerts look at metrics that there are', () => {
  const known = new Set([...families, ...httpFamilies].map(({ name }) => name));
  const asked = [...read('alerts.yml').matchAll(/\btrama_\w+/g)].map(([name]) => name);
  assert.ok(asked.length > 0);
  assert.equal(
    asked.filter((name) => !known.has(name)),
    [],
  );
});

test('each alert names a section of the page for who runs a server', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/operations.md', import.meta.url)), 'utf8');
  const anchors = new Set(
    [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
  const named = [...read('alerts.yml').matchAll(/docs\/operations\.md#([\w-]+)/g)].map(([, anchor]) => anchor!);
  assert.is(named.length, [...read('alerts.yml').matchAll(/alert: /g)].length);
  assert.equal(
    named.filter((anchor) => !anchors.has(anchor)),
    [],
  );
});

test.run();
