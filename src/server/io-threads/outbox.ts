/**
 * Gathers what is to be sent, so that all of one turn goes as one message: a message costs some microseconds on both sides,
 * whatever is in it.
 */
export class Outbox<Item> {
  readonly #send: (items: Item[], transfer: ArrayBuffer[]) => void;
  #items: Item[] = [];
  #transfer: ArrayBuffer[] = [];

  constructor(send: (items: Item[], transfer: ArrayBuffer[]) => void) {
    this.#send = send;
  }

  /** @param bytes in the item that nobody here reads any more */
  add(item: Item, bytes?: Uint8Array): void {
    if (this.#items.length === 0) queueMicrotask(() => this.#flush());
    this.#items.push(item);
    if (bytes !== undefined && isWorthMoving(bytes)) this.#transfer.push(bytes.buffer as ArrayBuffer);
  }

  #flush(): void {
    const items = this.#items;
    const transfer = this.#transfer;
    this.#items = [];
    this.#transfer = [];
    this.#send(items, transfer);
  }
}

/** To copy fewer is quicker than to move them. */
const movedBytesMin = 16 * 1024;

/** Only a buffer that is all theirs can be moved. */
function isWorthMoving({ buffer, byteLength }: Uint8Array): boolean {
  return byteLength >= movedBytesMin && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
}
