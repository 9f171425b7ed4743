/**
 * A fuzzer of one target: the files of its corpus first, then for a bounded time inputs that are made, and mutations of the
 * corpus. An input that breaks an invariant becomes a file of the corpus, so that it is tried first ever after.
 *
 * Invariant: a run is repeated by its seed and its corpus; each round has a seed of its own, which is printed where it fails.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from './random.js';
import { seed } from './seed.js';

export interface FuzzTarget {
  /** Its corpus is the folder `test/fuzz/corpus/<name>`. */
  readonly name: string;
  /** The largest input, in bytes. */
  readonly bytesMax: number;
  /** An input that is valid, or nearly so. */
  make(random: Random): Uint8Array;
  /** Throws where an invariant does not hold. `random` says how the input is cut and in what order things happen. */
  check(input: Uint8Array, random: Random): void | Promise<void>;
}

export interface FuzzResult {
  readonly rounds: number;
  readonly corpusFiles: number;
}

/** How often each file of the corpus is tried, each time cut in another way. */
const corpusRounds = 8;
/** The event loop gets a turn after so many milliseconds. */
const turnMs = 50;

const corpusRoot = fileURLToPath(new URL('../../../test/fuzz/corpus/', import.meta.url));

/**
 * @param ms how long inputs are made, after the corpus
 * @param root the folder that the folder of the corpus is in
 * @throws Error that tells the seed of the round, and the file in which its input is kept
 */
export async function fuzzTarget(target: FuzzTarget, ms: number, root: string = corpusRoot): Promise<FuzzResult> {
  const folder = join(root, target.name);
  const corpus = readCorpus(folder);
  console.log(`  ${target.name}: ${corpus.length} files, then ${ms} ms; to repeat it: TRAMA_FUZZ_SEED=${seed}`);
  for (const [file, input] of corpus) {
    for (let round = 0; round < corpusRounds; round++) {
      const own = (seed + round) >>> 0;
      await attempt(target, input, own, () => `corpus file ${file}`);
    }
  }
  const inputs = corpus.map(([, input]) => input);
  const endMs = performance.now() + ms;
  let turnAtMs = performance.now() + turnMs;
  let rounds = 0;
  for (; performance.now() < endMs; rounds++) {
    const own = (seed + rounds) >>> 0;
    const random = new Random(own);
    const input = mutated(freshInput(target, inputs, random), inputs, random).subarray(0, target.bytesMax);
    await attempt(target, input, own, () => `round ${rounds}, its input is kept in ${keep(folder, input)}`);
    if (performance.now() < turnAtMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnAtMs = performance.now() + turnMs;
  }
  return { rounds, corpusFiles: corpus.length };
}

async function attempt(target: FuzzTarget, input: Uint8Array, own: number, where: () => string): Promise<void> {
  try {
    await target.check(input, new Random(own));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${target.name}, ${where()}, TRAMA_FUZZ_SEED=${own}: ${message}`, { cause: error });
  }
}

function readCorpus(folder: string): [string, Uint8Array][] {
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(folder).sort();
  return files.map((file) => [file, readFileSync(join(folder, file))]);
}

/** Writes the input to the corpus; answers with the name of the file. */
function keep(folder: string, input: Uint8Array): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 16);
  const path = join(folder, `found-${hash}.bin`);
  writeFileSync(path, input);
  return path;
}

function freshInput(target: FuzzTarget, inputs: readonly Uint8Array[], random: Random): Uint8Array {
  return inputs.length > 0 && random.oneIn(3) ? random.pick(inputs) : target.make(random);
}

/** Every third input stays as it is; the others are changed in up to four places. */
function mutated(input: Uint8Array, inputs: readonly Uint8Array[], random: Random): Uint8Array {
  if (random.oneIn(3)) return input;
  let bytes = Buffer.from(input);
  const changes = random.integer(1, 4);
  for (let index = 0; index < changes; index++) bytes = changed(bytes, inputs, random);
  return bytes;
}

const strikingBytes = [0, 1, 9, 10, 13, 32, 34, 48, 92, 0x7f, 0x80, 0xc0, 0xed, 0xfe, 0xff];

function changed(bytes: Buffer<ArrayBuffer>, inputs: readonly Uint8Array[], random: Random): Buffer<ArrayBuffer> {
  const at = random.integer(0, bytes.length);
  const end = Math.min(bytes.length, at + random.integer(0, 16));
  const before = bytes.subarray(0, at);
  switch (random.integer(0, 6)) {
    case 0:
      if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << random.integer(0, 7));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.pick(strikingBytes);
      return bytes;
    case 2:
      return Buffer.from(before);
    case 3:
      return Buffer.concat([before, bytes.subarray(end)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 5: {
      const added = Buffer.from(Array.from({ length: random.integer(1, 8) }, () => random.integer(0, 255)));
      return Buffer.concat([before, added, bytes.subarray(at)]);
    }
    default: {
      const other = inputs.length === 0 ? bytes : random.pick(inputs);
      return Buffer.concat([before, other.subarray(random.integer(0, other.length))]);
    }
  }
}
