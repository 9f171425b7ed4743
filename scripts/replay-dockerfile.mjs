/**
 * Does what the Dockerfile says, in temporary folders, on a machine without an engine for containers: each stage is a folder,
 * the files are copied and npm is run as it says, then the server is started and asked as its health check asks. What is for
 * an image only (users, volumes, folders at the root) is passed over.
 *
 * Exit status 0 where the server is well and ends with status 0 at SIGTERM.
 */
import { execFileSync, execSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'trama-image-'));

const lines = (file) =>
  readFileSync(join(root, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const ignored = new Set(lines('.dockerignore'));
const isSent = (path) => !ignored.has(path.slice(root.length));

/** What the last stage leaves: where it stands, and how it is started and asked. */
const image = { folder: '', env: {}, entrypoint: [], cmd: [], health: [] };
const stages = new Map();
let stage = '';
let workdir = '';

function copy(words) {
  const from = words[0].startsWith('--from=') ? stages.get(words.shift().slice('--from='.length)) : undefined;
  const [source, target] = words;
  const into = join(workdir, target);
  if (from === undefined) cpSync(root, workdir, { recursive: true, filter: isSent });
  else cpSync(join(from, source), target.endsWith('/') ? join(into, basename(source)) : into, { recursive: true });
}

const steps = {
  FROM(words) {
    stage = mkdtempSync(join(work, 'stage-'));
    workdir = stage;
    if (words[1] === 'AS') stages.set(words[2], stage);
    image.env = {};
  },
  WORKDIR([path]) {
    workdir = join(stage, path);
    mkdirSync(workdir, { recursive: true });
    image.folder = workdir;
  },
  COPY: copy,
  RUN(words) {
    if (words[0] === 'npm') execSync(words.join(' '), { cwd: workdir, stdio: 'inherit' });
  },
  ENV(words) {
    for (const word of words) image.env[word.split('=')[0]] = word.slice(word.indexOf('=') + 1);
  },
  ENTRYPOINT(_, text) {
    image.entrypoint = JSON.parse(text);
  },
  CMD(_, text) {
    image.cmd = JSON.parse(text);
  },
  HEALTHCHECK(_, text) {
    image.health = JSON.parse(text.slice(text.indexOf('[')));
  },
  USER() {},
  VOLUME() {},
  EXPOSE() {},
};

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function askUntilWell(env) {
  const [program, ...args] = image.health;
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      execFileSync(program, args, { cwd: image.folder, env });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  throw new Error('the health check of the Dockerfile does not succeed');
}

try {
  for (const line of lines('Dockerfile')) {
    const [name] = line.split(' ', 1);
    const text = line.slice(name.length + 1);
    if (steps[name] === undefined) throw new Error(`there is no replay of ${name}`);
    steps[name](text.split(' '), text);
  }
  const ports = { TRAMA_PORT: String(await freePort()), TRAMA_HTTP_PORT: String(await freePort()) };
  const env = { ...process.env, ...image.env, ...ports, TRAMA_DATA_DIR: join(work, 'data') };
  const [program, ...args] = [...image.entrypoint, ...image.cmd];
  const server = spawn(program, args, { cwd: image.folder, env, stdio: 'inherit' });
  const ended = new Promise((resolve) => server.once('close', resolve));
  await askUntilWell(env);
  server.kill('SIGTERM');
  const status = await ended;
  if (status !== 0) throw new Error(`the server ended with status ${status}`);
} catch (error) {
  process.stderr.write(`replay-dockerfile: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
