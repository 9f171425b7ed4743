import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/config.js';
import { availableCores } from '../../src/config/cores.js';
import { type FlagTexts, loadConfig } from '../../src/config/load-config.js';
import { type Option, variableOf } from '../../src/config/option-kinds.js';
import { type OptionKey, optionKeys, options } from '../../src/config/options.js';
import { ConfigError } from '../../src/errors.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('configuration');

const MiB = 1024 * 1024;

/** What each option is when nothing is said: the promise of the documentation, written out once more. */
const defaults: Config = {
  configFile: undefined,
  port: 5000,
  tlsPort: 'off',
  host: '0.0.0.0',
  httpPort: 5080,
  httpsPort: 'off',
  httpHost: '127.0.0.1',
  tlsCert: undefined,
  tlsKey: undefined,
  tlsClientCa: undefined,
  tlsClient: 'required',
  tlsMin: '1.2',
  httpMaxConnections: 1024,
  auth: 'off',
  tokensFile: resolve('.trama/tokens.json'),
  proxyProtocol: false,
  httpProxyProtocol: false,
  trustedProxies: [],
  workers: availableCores(),
  listeners: 1,
  operationModules: [],
  watch: false,
  dataDir: resolve('.trama'),
  logLevel: 'info',
  maxFrameBytes: 16 * MiB,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 0,
  maxRequests: 1024,
  maxTotalRequests: 65_536,
  unreadPauseBytes: MiB,
  minReadRate: 16 * 1024,
  minSendRate: 32 * 1024,
  maxConnectionBytes: 0,
  maxHeldBytes: 256 * MiB,
  maxQueue: 1024,
  opTimeoutMs: 300_000,
  frameTimeoutMs: 30_000,
  drainDelayMs: 0,
  firstFrameTimeoutMs: 0,
  idleTimeoutMs: 0,
  overloadDelayMs: 250,
  drainMs: 10_000,
  workerMemoryMb: 512,
};

/** A file without options, which goes with this test. */
const plainFile = join(mkdtempSync(join(tmpdir(), 'trama-config-')), 'plain.json');
writeFileSync(plainFile, '{}');
test.after(() => rmSync(dirname(plainFile), { recursive: true, force: true }));

/** A text that each option takes, other than its default, the value it means, and texts that it must refuse. */
const cases: { readonly [K in OptionKey]: { text: string; value: unknown; refused: readonly string[] } } = {
  configFile: { text: plainFile, value: plainFile, refused: ['no-such.json', 'src'] },
  port: { text: '0', value: 0, refused: ['-1', '65536', 'x', '80.5', '0x50', ' 80', '1e3', '٣', 'OFF'] },
  tlsPort: { text: '0', value: 0, refused: ['-1', 'on'] },
  host: { text: '::1', value: '::1', refused: ['a b', ' '] },
  httpPort: { text: 'off', value: 'off', refused: ['70000', '99999999999999999999', 'none'] },
  httpsPort: { text: '65535', value: 65535, refused: ['65536'] },
  httpHost: { text: 'localhost', value: 'localhost', refused: ['a\tb'] },
  tlsCert: { text: 'server.pem', value: resolve('server.pem'), refused: [] },
  tlsKey: { text: 'server.key', value: resolve('server.key'), refused: [] },
  tlsClientCa: { text: 'ca.pem', value: resolve('ca.pem'), refused: [] },
  tlsClient: { text: 'optional', value: 'optional', refused: ['none', 'on'] },
  tlsMin: { text: '1.3', value: '1.3', refused: ['1.1', 'TLSv1.3'] },
  httpMaxConnections: { text: '64', value: 64, refused: ['3', '100001'] },
  auth: { text: 'required', value: 'required', refused: ['on', 'true', 'Required'] },
  tokensFile: { text: 'some/tokens.json', value: resolve('some/tokens.json'), refused: [] },
  proxyProtocol: { text: '1', value: true, refused: ['v2', 'on'] },
  httpProxyProtocol: { text: '1', value: true, refused: ['v1', 'off'] },
  trustedProxies: {
    text: '10.0.0.0/8, 192.0.2.1 fd00::/8',
    value: ['10.0.0.0/8', '192.0.2.1', 'fd00::/8'],
    refused: [
      'proxy',
      '10.0.0.0/33',
      '10.0.0.1/8/8',
      '010.0.0.1',
      '1.2.3',
      '::/129',
      'fe80::1%eth0',
      ',',
      '10.0.0.1;::1',
    ],
  },
  workers: { text: '3', value: 3, refused: ['0', '513', 'all'] },
  listeners: { text: '2', value: 2, refused: ['0', '65', 'all'] },
  operationModules: {
    text: 'package.json',
    value: [pathToFileURL('package.json').href],
    refused: ['no-such.js', 'src'],
  },
  watch: { text: 'true', value: true, refused: ['yes', 'TRUE', '2'] },
  dataDir: { text: 'some/where', value: resolve('some/where'), refused: [] },
  logLevel: { text: 'silent', value: 'silent', refused: ['loud', 'INFO'] },
  maxFrameBytes: { text: '64k', value: 65536, refused: ['65535', '64kB', '2GiB', '1TiB', '-1', '16 MiB'] },
  maxConnections: { text: '7', value: 7, refused: ['0', '1000001'] },
  maxConnectionsPerAddress: { text: '9', value: 9, refused: ['-1', '1000001'] },
  maxRequests: { text: '1', value: 1, refused: ['0'] },
  maxTotalRequests: { text: '1', value: 1, refused: ['0', '10000001'] },
  unreadPauseBytes: { text: '1KiB', value: 1024, refused: ['1000', '1.0001KiB'] },
  minReadRate: { text: '0.5k', value: 512, refused: ['0', '2GiB'] },
  minSendRate: { text: '64k', value: 65_536, refused: ['0', '2GiB'] },
  maxConnectionBytes: { text: '64MiB', value: 64 * MiB, refused: ['-1', '2000GiB'] },
  maxHeldBytes: { text: '1Gib', value: 1024 * MiB, refused: ['10'] },
  maxQueue: { text: '2', value: 2, refused: ['0'] },
  opTimeoutMs: { text: '0', value: 0, refused: ['-1', '86400001', '1.5'] },
  frameTimeoutMs: { text: '10', value: 10, refused: ['9', '10s', '3600001'] },
  drainDelayMs: { text: '250', value: 250, refused: ['-1', '3600001'] },
  firstFrameTimeoutMs: { text: '5000', value: 5000, refused: ['-1', '3600001'] },
  idleTimeoutMs: { text: '60000', value: 60_000, refused: ['-1', '86400001'] },
  overloadDelayMs: { text: '0', value: 0, refused: ['-1', '60001'] },
  drainMs: { text: '0', value: 0, refused: ['-5', '3600001'] },
  workerMemoryMb: { text: '32', value: 32, refused: ['31', '32MiB'] },
};

/** What an option does not go without. */
function beside(key: OptionKey): FlagTexts {
  if (/proxyProtocol$/i.test(key)) return { trustedProxies: ['127.0.0.1'] };
  const texts: FlagTexts = { tlsPort: ['0'], tlsCert: ['c.pem'], tlsKey: ['k.pem'], tlsClientCa: ['ca.pem'] };
  if (!/^(?:tls|https)/.test(key)) return {};
  return Object.fromEntries(Object.entries(texts).filter(([other]) => other !== key));
}

function refusal(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-config-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('without flags and variables every option has its default, and says so', () => {
  const { config, settings } = loadConfig({}, {});
  assert.equal(config, defaults);
  assert.ok(settings.every(({ source }) => source === 'default'));
  assert.equal(
    settings.map(({ key }) => key),
    optionKeys,
  );
});

for (const key of optionKeys) {
  const option: Option = options[key];
  const { text, value, refused } = cases[key];

  test(`--${option.flag} and ${variableOf(option)} set ${key}, and the flag wins`, () => {
    const byVariable = loadConfig(beside(key), { [variableOf(option)]: text });
    assert.equal(byVariable.config[key], value);
    assert.is(byVariable.settings.find((setting) => setting.key === key)?.source, 'env');

    const byFlag = loadConfig({ ...beside(key), [key]: [text] }, { [variableOf(option)]: refused[0] ?? 'other' });
    assert.equal(byFlag.config[key], value);
    assert.is(byFlag.settings.find((setting) => setting.key === key)?.source, 'flag');
  });

  test(`what ${key} does not take is refused under the name it was given by`, () => {
    for (const bad of refused) {
      const byFlag = refusal(() => loadConfig({ [key]: [bad] }, {})).message;
      const byVariable = refusal(() => loadConfig({}, { [variableOf(option)]: bad })).message;
      assert.ok(byFlag.startsWith(`--${option.flag}: `), byFlag);
      assert.ok(byVariable.startsWith(`${variableOf(option)}: `), byVariable);
      for (const message of [byFlag, byVariable]) {
        assert.ok(message.includes(JSON.stringify(bad)), message);
        assert.not.ok(message.includes('\n'), message);
      }
    }
  });
}

test('an empty variable counts as not set, an empty flag as a mistake', () => {
  assert.is(loadConfig({}, { TRAMA_PORT: '' }).config.port, 5000);
  assert.match(
    refusal(() => loadConfig({ port: [''] }, {})).message,
    '--port: "" is not an integer from 0 to 65535, or off',
  );
});

test('addresses are gathered from all texts of the flag, and from a list in a file', () => {
  const { config } = loadConfig({ trustedProxies: ['10.0.0.0/8', '::1,192.0.2.1'] }, {});
  assert.equal(config.trustedProxies, ['10.0.0.0/8', '::1', '192.0.2.1']);
});

test('a PROXY header that nobody may send is refused', () => {
  assert.is(
    refusal(() => loadConfig({}, { TRAMA_PROXY_PROTOCOL: '1' })).message,
    'TRAMA_PROXY_PROTOCOL: nobody is trusted to send a PROXY header; name the balancers with --trusted-proxies',
  );
});

test('a flag given twice means its last text', () => {
  assert.is(loadConfig({ port: ['1', '2'] }, {}).config.port, 2);
});

test('several modules come from a repeated flag or a variable written like PATH', (t) => {
  const folder = scratchFolder(t);
  const files = ['one.js', 'two words.js'].map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, '');
  const urls = files.map((file) => pathToFileURL(file).href);
  assert.equal(loadConfig({ operationModules: files }, {}).config.operationModules, urls);
  assert.equal(loadConfig({}, { TRAMA_OPS: files.join(delimiter) }).config.operationModules, urls);
  assert.equal(loadConfig({ operationModules: [files[0]!] }, { TRAMA_OPS: files[1] }).config.operationModules, [
    urls[0],
  ]);
});

test('a module that is missing, or is a folder, or cannot be opened, is named with the reason', (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'ops.js'));
  assert.match(
    refusal(() => loadConfig({ operationModules: ['./no-such.js'] }, {})).message,
    /^--ops: "\.\/no-such\.js" cannot be read \(ENOENT\); give the path of a JavaScript module$/,
  );
  assert.match(
    refusal(() => loadConfig({}, { TRAMA_OPS: join(folder, 'ops.js') })).message,
    /^TRAMA_OPS: .* cannot be read \(it is not a file\)/,
  );
  symlinkSync(join(folder, 'loop.js'), join(folder, 'loop.js'));
  assert.match(refusal(() => loadConfig({ operationModules: [join(folder, 'loop.js')] }, {})).message, /\(ELOOP\)/);
});

test('half of what TLS needs is refused, and the other half is named', () => {
  const pair = { tlsCert: ['c.pem'], tlsKey: ['k.pem'] };
  const cases: [FlagTexts, string][] = [
    [{ tlsPort: ['1'] }, '--tls-port: a port with TLS needs a certificate and its key; give --tls-cert too'],
    [
      { httpsPort: ['1'], tlsCert: ['c.pem'] },
      '--https-port: a port with TLS needs a certificate and its key; give --tls-key too',
    ],
    [pair, '--tls-cert: no port speaks TLS; give --tls-port or --https-port too'],
    [{ tlsMin: ['1.3'] }, '--tls-min: no port speaks TLS; give --tls-port or --https-port too'],
    [
      { ...pair, tlsPort: ['1'], tlsClient: ['required'] },
      '--tls-client: clients are not asked for a certificate without --tls-client-ca; give that too',
    ],
    [{ port: ['off'] }, '--port: it is off, and so is --tls-port; one of the two must be on'],
    [{ ...pair, tlsPort: ['5000'] }, '--tls-port: 5000 is --port too; the two need a port each'],
    [{ ...pair, httpsPort: ['5080'] }, '--https-port: 5080 is --http-port too; the two need a port each'],
  ];
  for (const [flags, message] of cases) assert.is(refusal(() => loadConfig(flags, {})).message, message);
  for (const flags of [
    { ...pair, port: ['off'], tlsPort: ['1'] },
    { ...pair, httpPort: ['off'], httpsPort: ['1'] },
  ]) {
    loadConfig(flags, {});
  }
});

test('limits that contradict each other are refused, and both are named', () => {
  assert.match(
    refusal(() => loadConfig({ maxFrameBytes: ['512MiB'] }, { TRAMA_MAX_HELD_BYTES: '128MiB' })).message,
    /^--max-frame-bytes: 512MiB is more than seven eighths of TRAMA_MAX_HELD_BYTES \(128MiB\)/,
  );
});

test('a very long mistake is not repeated at its full length, and is cut between characters', () => {
  const { message } = refusal(() => loadConfig({ port: ['9'.repeat(10_000)] }, {}));
  assert.ok(message.length < 200, message);
  for (const text of ['x'.repeat(79), 'x'.repeat(78)]) {
    const cut = refusal(() => loadConfig({ logLevel: [`${text}😀😀`] }, {})).message;
    assert.not.match(cut, /\\ud83d/, cut);
  }
});

test('a switch is on and off by its variable', () => {
  const watch = (text: string) => loadConfig({}, { TRAMA_WATCH: text }).config.watch;
  assert.equal(['1', 'true', '0', 'false', ''].map(watch), [true, true, false, false, false]);
});

test('a variable that looks like one of ours and is none is told, with the one that may be meant', () => {
  const warning = (...names: string[]) => loadConfig({}, Object.fromEntries(names.map((name) => [name, '1']))).warning;
  assert.is(warning('TRAMA_PORT', 'PATH', 'TRAMAX'), undefined);
  assert.match(warning('TRAMA_PROT')!, 'variable TRAMA_PROT (did you mean TRAMA_PORT?)');
  assert.match(warning('TRAMA_MAX_FRAME_BYTE')!, '(did you mean TRAMA_MAX_FRAME_BYTES?)');
  assert.match(warning('TRAMA_COLOUR')!, /^no option has the variable TRAMA_COLOUR; /);
  const many = warning(...Array.from({ length: 50 }, (_, index) => `TRAMA_X${'x'.repeat(index)}`))!;
  assert.match(many, /45 more;/);
  assert.not.ok(many.includes('\n'));
});

test('variables that are not meant for the server are not told: the tests’ own, and those that Kubernetes sets', () => {
  const names = ['TRAMA_TEST_FULL', 'TRAMA_FUZZ_SEED', 'TRAMA_SERVICE_HOST', 'TRAMA_PORT_5000_TCP_ADDR'];
  const ofOtherServices = ['TRAMA_HTTP_SERVICE_PORT', 'TRAMA_SERVICE_PORT_FRAMES', 'TRAMA_HTTP_PORT_5080_TCP'];
  const all = [...names, ...ofOtherServices].map((name) => [name, '1']);
  assert.is(loadConfig({}, Object.fromEntries(all)).warning, undefined);
});

test('what Kubernetes sets in the place of an option is refused with what to do about it', () => {
  const { message } = refusal(() => loadConfig({}, { TRAMA_PORT: 'tcp://10.0.0.7:5000' }));
  assert.match(message, /^TRAMA_PORT: "tcp:.* is not an integer .*; if Kubernetes set it .*enableServiceLinks: false$/);
});

test.run();
