import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../src/config/load-config.js';
import { memberOf } from '../../src/config/option-kinds.js';
import { fileKeys, type OptionKey, options } from '../../src/config/options.js';
import { printSettings } from '../../src/config/print-config.js';
import { ConfigError } from '../../src/errors.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('a configuration file');

function fileWith(t: TestContext, content: unknown, name = 'trama.json'): string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-config-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const isText = typeof content === 'string' || content instanceof Uint8Array;
  writeFileSync(join(folder, name), isText ? content : JSON.stringify(content));
  return join(folder, name);
}

function load(t: TestContext, content: unknown) {
  return loadConfig({ configFile: [fileWith(t, content)] }, {});
}

/** The sentence that a file is refused with, without the file's own name. */
function refusal(t: TestContext, content: unknown): string {
  const path = fileWith(t, content);
  try {
    loadConfig({ configFile: [path] }, {});
  } catch (error) {
    assert.instance(error, ConfigError);
    const { message } = error as ConfigError;
    assert.not.match(message, /\n/);
    return message.replaceAll(path, 'trama.json');
  }
  throw new Error('nothing was refused');
}

/** Of each option a value in JSON that is taken, what it means, and values that are not. */
const cases: { readonly [K in Exclude<OptionKey, 'configFile'>]: readonly [unknown, unknown, readonly unknown[]] } = {
  port: [0, 0, [-1, 65536, 80.5, '80', true, null, [80]]],
  tlsPort: [0, 0, ['0', false]],
  host: ['::1', '::1', ['', 'a b', 5]],
  httpPort: [5.1e3, 5100, [70_000, 1e300]],
  httpsPort: ['off', 'off', ['on', -1]],
  tlsCert: ['server.pem', undefined, ['', 5]],
  tlsKey: ['server.key', undefined, ['', null]],
  tlsClientCa: ['ca.pem', undefined, [[]]],
  tlsClient: ['optional', 'optional', ['none', true]],
  tlsMin: ['1.3', '1.3', [1.3, '1.1']],
  httpHost: ['localhost', 'localhost', ['a\tb', {}]],
  httpMaxConnections: [64, 64, [3]],
  auth: ['optional', 'optional', ['on', true]],
  tokensFile: ['who.json', undefined, ['', 5]],
  proxyProtocol: [true, true, ['true', 1]],
  httpProxyProtocol: [true, true, ['on', 1]],
  trustedProxies: [
    ['10.0.0.0/8', '::1'],
    ['10.0.0.0/8', '::1'],
    ['proxy', [], 5, [5], ['10.0.0.0/33']],
  ],
  workers: [3, 3, [0, 'all']],
  listeners: [2, 2, [0, 65]],
  operationModules: [['./one.mjs'], undefined, [5, [5], [''], '']],
  watch: [true, true, ['true', 1]],
  dataDir: ['state', undefined, ['', 5]],
  logLevel: ['silent', 'silent', ['loud', 3]],
  maxFrameBytes: ['64KiB', 65536, [65535, '64kB', '64 KiB', true]],
  maxConnections: [7, 7, [0]],
  maxConnectionsPerAddress: [9, 9, [-1]],
  maxRequests: [1, 1, [0]],
  maxTotalRequests: [1, 1, [0]],
  unreadPauseBytes: [2048, 2048, [1000]],
  minReadRate: ['0.5k', 512, [0]],
  minSendRate: ['64k', 65_536, [0]],
  maxConnectionBytes: ['64MiB', 2 ** 26, [-1]],
  maxHeldBytes: ['1GiB', 2 ** 30, ['10']],
  maxQueue: [2, 2, [0]],
  opTimeoutMs: [0, 0, [-1, '5s']],
  frameTimeoutMs: [10, 10, [9]],
  drainDelayMs: [250, 250, [-1, 3_600_001]],
  firstFrameTimeoutMs: [5000, 5000, [-1]],
  idleTimeoutMs: [60_000, 60_000, [-1]],
  overloadDelayMs: [0, 0, [-1]],
  drainMs: [0, 0, [3_600_001]],
  workerMemoryMb: [32, 32, [31, '32MiB']],
};

/** What an option does not go without. */
function beside(key: OptionKey): object {
  if (/proxyProtocol$/i.test(key)) return { trustedProxies: '127.0.0.1' };
  const members = { tlsPort: 0, tlsCert: 'c.pem', tlsKey: 'k.pem', tlsClientCa: 'ca.pem' };
  return /^(?:tls|https)/.test(key) ? members : {};
}

for (const key of fileKeys) {
  const member = memberOf(options[key]);
  const [taken, value, refused] = cases[key as keyof typeof cases];

  test(`"${member}" sets ${key}`, (t) => {
    const path = fileWith(t, { ...beside(key), [member]: taken });
    writeFileSync(join(path, '../one.mjs'), '');
    const byFile = loadConfig({ configFile: [path] }, {});
    const expected = {
      operationModules: [pathToFileURL(join(path, '../one.mjs')).href],
      dataDir: join(path, '../state'),
      tokensFile: join(path, '../who.json'),
      tlsCert: join(path, '../server.pem'),
      tlsKey: join(path, '../server.key'),
      tlsClientCa: join(path, '../ca.pem'),
    };
    assert.equal(byFile.config[key], value ?? expected[key as keyof typeof expected]);
    const setting = byFile.settings.find((each) => each.key === key)!;
    assert.equal([setting.source, setting.name], ['file', `${path}: ${member}`]);
  });

  test(`what "${member}" does not take is refused with the file, the member and what is allowed`, (t) => {
    for (const bad of refused) {
      const message = refusal(t, { [member]: bad });
      assert.ok(message.startsWith(`trama.json: ${member}: ${JSON.stringify(bad)} is not `), message);
    }
  });
}

test('a flag beats a variable, a variable the file, the file the default', (t) => {
  const path = fileWith(t, { maxQueue: 1, maxRequests: 1, drainMs: 1 });
  const { config, settings } = loadConfig(
    { maxQueue: ['3'] },
    { TRAMA_CONFIG: path, TRAMA_MAX_QUEUE: '2', TRAMA_MAX_REQUESTS: '2', TRAMA_HOST: '' },
  );
  assert.equal(
    [config.maxQueue, config.maxRequests, config.drainMs, config.host, config.configFile],
    [3, 2, 1, '0.0.0.0', path],
  );
  const printed = printSettings(settings);
  for (const [flag, words] of [
    ['config', 'env TRAMA_CONFIG'],
    ['max-queue', 'flag'],
    ['max-requests', 'env TRAMA_MAX_REQUESTS'],
    ['drain-ms', `file ${path}: drainMs`],
    ['host', 'default'],
  ]) {
    const row = printed.split('\n').find((line) => line.startsWith(`${flag} `))!;
    assert.ok(row.endsWith(`  ${words}`), row);
  }
});

test('the flag --config beats TRAMA_CONFIG, which is not read then', (t) => {
  const path = fileWith(t, { port: 7 });
  assert.is(loadConfig({ configFile: [path] }, { TRAMA_CONFIG: '/no/such/file' }).config.port, 7);
});

test('a member that a flag overrides is checked all the same', (t) => {
  const path = fileWith(t, { port: 'x' });
  assert.throws(() => loadConfig({ configFile: [path], port: ['1'] }, {}), /: port: "x" is not an integer/);
});

test('modules of the file that a flag overrides need not be there', (t) => {
  const path = fileWith(t, { ops: './no-such.mjs' });
  const { config } = loadConfig({ configFile: [path], operationModules: ['package.json'] }, {});
  assert.equal(config.operationModules, [pathToFileURL('package.json').href]);
  assert.match(
    refusal(t, { ops: './no-such.mjs' }),
    /^trama\.json: ops: "\/.*\/no-such\.mjs" cannot be read \(ENOENT\); give the path of a JavaScript module$/,
  );
});

test('one module may be a string, and relative paths count from the file’s folder', (t) => {
  const path = fileWith(t, { ops: 'ops/one.mjs' });
  mkdirSync(join(path, '../ops'));
  writeFileSync(join(path, '../ops/one.mjs'), '');
  const { config } = loadConfig({ configFile: [path] }, {});
  assert.equal(config.operationModules, [pathToFileURL(join(path, '../ops/one.mjs')).href]);
});

test('text that has a number or a switch between quotes is refused with the hint to leave them out', (t) => {
  assert.is(
    refusal(t, { port: '5000' }),
    'trama.json: port: "5000" is not an integer from 0 to 65535, or "off"; write it without quotes',
  );
  assert.is(refusal(t, { watch: 'true' }), 'trama.json: watch: "true" is not true or false; write it without quotes');
  assert.is(refusal(t, { watch: 'yes' }), 'trama.json: watch: "yes" is not true or false');
});

test('a name that is none is refused with the one that may be meant', (t) => {
  const meant = (member: string) => /did you mean "(\w+)"/.exec(refusal(t, { [member]: 1 }))?.[1];
  assert.equal(
    ['prot', 'http-port', 'HTTP_PORT', 'TRAMA_MAX_QUEUE', 'operationModules', 'maxFrameByte', 'Port'].map(meant),
    ['port', 'httpPort', 'httpPort', 'maxQueue', 'ops', 'maxFrameBytes', 'port'],
  );
  assert.is(
    refusal(t, { colour: 1 }),
    'trama.json: there is no option "colour"; members are named after the flags, as "httpPort" after --http-port',
  );
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`x${'y'.repeat(4 * index)}`, 1]));
  assert.match(refusal(t, many), /, 25 more; members/);
  // A file names no other file, and what every object has is no option.
  for (const member of ['config', '__proto__', 'toString']) {
    assert.match(refusal(t, `{"${member}": "x"}`), /^trama\.json: there is no option "/);
  }
});

test('"$schema" is for editors', (t) => {
  assert.is(load(t, { $schema: 'anything', port: 1 }).config.port, 1);
});

test('what is not JSON is refused with line and column', (t) => {
  const places: [string, RegExp][] = [
    ['', /^trama\.json: line 1, column 1: JSON value expected/i],
    ['{\n  "port": 1,\n}', /^trama\.json: line 3, column 1: quoted object key expected but got '}'$/],
    ['['.repeat(400_000), /^trama\.json: line 1, column 1: nested too deeply$/],
    ['{\n  // the port\n  "port": 1\n}', /line 2, column 3: .*\(JSON has no comments\)$/],
    ['{"port": 1 # here\n}', /line 1, column 12: .*\(JSON has no comments\)$/],
    ["{'port': 1}", /line 1, column 2: quoted object key expected/],
    ['{"port": 1}\n}', /line 2, column 1: expected end of input/],
    ['{"host": "ñ😀", x}', /line 1, column 16: /],
    ['{"port": 1, "port": 2}', /line 1, column 14: "port" is there twice$/],
    ['{"host": "a\nb"}', /line 1, column 12: invalid character '\\n'$/],
    ['{"port": 0x50}', /line 1, column 11: /],
  ];
  for (const [text, pattern] of places) assert.match(refusal(t, text), pattern);
});

test('JSON that is no object, and bytes that are no text, are refused', (t) => {
  for (const text of ['[]', '5000', 'null', '"x"']) {
    assert.is(refusal(t, text), `trama.json: ${text} is not an object with options, such as {"port": 5000}`);
  }
  assert.match(refusal(t, Uint8Array.of(0x7b, 0xff, 0x7d)), /^trama\.json: the file is not UTF-8; save it as that$/);
});

test('a mark at the beginning that some editors write is no fault', (t) => {
  assert.is(load(t, '\ufeff{"port": 1}').config.port, 1);
});

test('a file that is missing, is a folder or has no end is one sentence', (t) => {
  const told = (path: string, from: 'flag' | 'env' = 'flag') => {
    try {
      if (from === 'flag') loadConfig({ configFile: [path] }, {});
      else loadConfig({}, { TRAMA_CONFIG: path });
    } catch (error) {
      return (error as ConfigError).message;
    }
    throw new Error('nothing was refused');
  };
  assert.is(told('no/such.json'), '--config: "no/such.json" cannot be read (ENOENT); give the path of a JSON file');
  assert.match(told('no/such.json', 'env'), /^TRAMA_CONFIG: /);
  assert.match(told(join(fileWith(t, {}), '..')), /cannot be read \(EISDIR\)/);
  assert.match(told('/dev/zero'), /cannot be read \(it has more than 1048576 bytes\)/);
  assert.is(told(''), '--config: "" is not the path of a JSON file');
});

test('settings that contradict each other are named as the operator gave them', (t) => {
  const path = fileWith(t, { httpPort: 5000 });
  assert.throws(
    () => loadConfig({ configFile: [path] }, {}),
    (error: Error) => error.message === `${path}: httpPort: 5000 is --port too; the two need a port each`,
  );
});

test.run();
