/** The two steps that the WASM side asks of its host, because every JavaScript engine does them right and fast. */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The text of a binary64 as `sum` answers it: the shortest digits that read back as it, laid out as
 * Number::toString does but without the `+` of an exponent, and visibly a float.
 */
export function floatText(value: number): string {
  if (value === 0) return '0.0';
  const text = String(value).replace('+', '');
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Upper-cases a JSON string token; the result is again one. A lone surrogate stays an escape. */
export function upperToken(token: string): string {
  return JSON.stringify((JSON.parse(token) as string).toUpperCase());
}

/** Imports of an instance whose memory `memory()` gives: it may have grown since the last call. */
export function hostImports(memory: () => WebAssembly.Memory) {
  const read = (offset: number, length: number) => decoder.decode(new Uint8Array(memory().buffer, offset, length));
  const write = (text: string, offset: number) =>
    encoder.encodeInto(text, new Uint8Array(memory().buffer, offset)).written;
  return {
    formatNumber(offset: number, length: number, to: number): number {
      const value = Number(read(offset, length));
      return Number.isFinite(value) ? write(floatText(value), to) : 0;
    },
    upperCase(offset: number, length: number, to: number): number {
      return write(upperToken(read(offset, length)), to);
    },
  };
}
