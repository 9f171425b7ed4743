/**
 * Three operations to start from. In a clone of the repository, serve them, and call one from another terminal:
 *
 *     npm start -- --ops examples/operations.mjs
 *     npm run --silent client -- 127.0.0.1 5000 primes '{"to":100000}'
 *
 * In a project that installed the package it is `npx trama serve --ops operations.mjs` and `npx trama call`, with a copy
 * of this file.
 *
 * They run in worker threads. A client that cancels, or whose time is up, gets its thread back at once, whatever the code
 * is doing.
 */
import { setImmediate } from 'node:timers/promises';
import { defineOperation, RequestError } from 'trama';

/** Work that never looks up: it needs no line for cancellation, since its thread can be ended. */
export const primes = defineOperation({
  description: 'Counts the prime numbers up to and including `to`, and names the largest.',
  input: {
    type: 'object',
    properties: { to: { type: 'integer', minimum: 0, maximum: 10_000_000_000 } },
    required: ['to'],
    additionalProperties: false,
  },
  output: {
    type: 'object',
    properties: { count: { type: 'integer' }, largest: { type: ['integer', 'null'] } },
    required: ['count', 'largest'],
  },
  idempotent: true,
  timeoutMs: 60_000,
  run: ({ to }) => countPrimes(to),
});

/** Data that fits the schema and is wrong all the same is answered with BAD_DATA by throwing a RequestError. */
export const wordCount = defineOperation({
  description: 'Counts words, sentences and characters of a text in any language, and names its most frequent words.',
  input: {
    type: 'object',
    properties: {
      text: { type: 'string' },
      locale: { type: 'string', description: 'BCP 47 language tag' },
      top: { type: 'integer', minimum: 0, maximum: 1000 },
    },
    required: ['text'],
    additionalProperties: false,
  },
  output: {
    type: 'object',
    properties: {
      words: { type: 'integer' },
      sentences: { type: 'integer' },
      characters: { type: 'integer', description: 'as a reader counts them' },
      top: { type: 'array', items: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }] } },
    },
    required: ['words', 'sentences', 'characters', 'top'],
  },
  idempotent: true,
  run: ({ text, locale = 'en', top = 10 }) => {
    if (!isLocale(locale)) throw new RequestError('BAD_DATA', `data/locale \`${locale}\` is not a language tag`);
    const segments = (granularity) => new Intl.Segmenter(locale, { granularity }).segment(text);
    const frequencies = new Map();
    let words = 0;
    for (const { segment, isWordLike } of segments('word')) {
      if (!isWordLike) continue;
      words += 1;
      const word = segment.toLocaleLowerCase(locale);
      frequencies.set(word, (frequencies.get(word) ?? 0) + 1);
    }
    return {
      words,
      sentences: count(segments('sentence')),
      characters: count(segments('grapheme')),
      top: [...frequencies].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, top),
    };
  },
});

/** Long work in slices: it logs how far it is, and gives up by itself when it is told to, so that its thread lives on. */
export const optionPrice = defineOperation({
  description: 'Prices a European call option by simulation (geometric Brownian motion), with its standard error.',
  input: {
    type: 'object',
    properties: {
      spot: { type: 'number', exclusiveMinimum: 0 },
      strike: { type: 'number', exclusiveMinimum: 0 },
      rate: { type: 'number', description: 'risk-free, a year, continuously compounded' },
      volatility: { type: 'number', minimum: 0, description: 'a year' },
      years: { type: 'number', exclusiveMinimum: 0 },
      paths: { type: 'integer', minimum: 2, maximum: 1_000_000_000 },
    },
    required: ['spot', 'strike', 'rate', 'volatility', 'years'],
    additionalProperties: false,
  },
  output: {
    type: 'object',
    properties: { price: { type: 'number' }, standardError: { type: 'number' }, paths: { type: 'integer' } },
    required: ['price', 'standardError', 'paths'],
  },
  idempotent: true,
  concurrency: 4,
  run: async ({ spot, strike, rate, volatility, years, paths = 1_000_000 }, { signal, log }) => {
    const drift = (rate - volatility ** 2 / 2) * years;
    const spread = volatility * Math.sqrt(years);
    const discount = Math.exp(-rate * years);
    let sum = 0;
    let sumOfSquares = 0;
    for (let done = 0; done < paths; done += pathsInSlice) {
      for (let path = done; path < Math.min(paths, done + pathsInSlice); path += 1) {
        const payoff = discount * Math.max(0, spot * Math.exp(drift + spread * standardNormal()) - strike);
        sum += payoff;
        sumOfSquares += payoff * payoff;
      }
      log.debug({ done, paths }, 'simulated a slice');
      await setImmediate();
      signal.throwIfAborted();
    }
    const price = sum / paths;
    const variance = Math.max(0, sumOfSquares / paths - price * price);
    return { price, standardError: Math.sqrt(variance / (paths - 1)), paths };
  },
});

const pathsInSlice = 100_000;

/** One draw from the normal distribution (Box and Muller, 1958). */
function standardNormal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

const sieveSlice = 1 << 18;

/**
 * Sieve of Eratosthenes in slices that fit into a core's cache: memory grows with the root of `to` only. Each slice
 * holds the odd numbers from `low`, one a byte.
 */
function countPrimes(to) {
  if (to < 2) return { count: 0, largest: null };
  const base = oddPrimesUpTo(Math.floor(Math.sqrt(to)));
  const next = base.map((prime) => (prime * prime - 1) / 2);
  const composite = new Uint8Array(sieveSlice);
  const odds = Math.floor((to + 1) / 2);
  let count = 1;
  let largest = 2;
  for (let low = 0; low < odds; low += sieveSlice) {
    const size = Math.min(sieveSlice, odds - low);
    composite.fill(0);
    for (let index = 0; index < base.length; index += 1) {
      let at = next[index] - low;
      for (; at < size; at += base[index]) composite[at] = 1;
      next[index] = at + low;
    }
    // The first odd number is 1, which is not prime.
    for (let at = low === 0 ? 1 : 0; at < size; at += 1) {
      if (composite[at] === 0) {
        count += 1;
        largest = 2 * (low + at) + 1;
      }
    }
  }
  return { count, largest };
}

function oddPrimesUpTo(limit) {
  const composite = new Uint8Array(limit + 1);
  const found = [];
  for (let number = 3; number <= limit; number += 2) {
    if (composite[number] === 1) continue;
    found.push(number);
    for (let multiple = number * number; multiple <= limit; multiple += 2 * number) composite[multiple] = 1;
  }
  return found;
}

function isLocale(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

function count(iterable) {
  let size = 0;
  for (const _ of iterable) size += 1;
  return size;
}
