/**
 * Puts JSON on lines, as Python's `json.dumps(value, indent=2)` does, and leaves every token's bytes as they are:
 * digits, escapes and the order of members. It trusts its input to be JSON; what is not comes out rearranged, no more.
 *
 * Why not a library: jsonc-parser's formatter answers with an edit for each token and applies them in quadratic time
 * (8 s for 160 KB); a reply may have gigabytes. This is one pass in constant memory.
 */

/** Output is handed on in blocks of about this size. */
const blockBytes = 64 * 1024;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const newline = 0x0a;
const space = 0x20;

const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d;
const isWhiteSpace = (byte: number): boolean => byte === space || (byte >= 0x09 && byte <= 0x0d);

/** Bytes to be written, gathered into blocks. */
class Block {
  #bytes = new Uint8Array(blockBytes);
  #length = 0;

  get full(): boolean {
    return this.#length >= blockBytes;
  }

  put(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow();
    this.#bytes[this.#length++] = byte;
  }

  putLine(level: number): void {
    this.put(newline);
    for (let i = 0; i < 2 * level; i++) this.put(space);
  }

  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(blockBytes);
    this.#length = 0;
    return taken;
  }

  #grow(): void {
    const grown = new Uint8Array(2 * this.#bytes.length);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Yields the lines of `json`, without a newline after the last one. */
export function* indentJson(json: Uint8Array): Generator<Uint8Array> {
  const block = new Block();
  let level = 0;
  let inString = false;
  /** A bracket was just opened: only the next token shows whether there is anything in it. */
  let opened = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]!;
    if (inString) {
      block.put(byte);
      if (byte === backslash && at + 1 < json.length) block.put(json[++at]!);
      else if (byte === quote) inString = false;
    } else if (!isWhiteSpace(byte)) {
      if (isClosing(byte)) {
        level = Math.max(0, level - 1);
        if (!opened) block.putLine(level);
      } else if (opened) {
        block.putLine(level);
      }
      block.put(byte);
      opened = isOpening(byte);
      if (opened) level++;
      if (byte === comma) block.putLine(level);
      else if (byte === colon) block.put(space);
      inString = byte === quote;
    }
    if (block.full) yield block.take();
  }
  yield block.take();
}
