import type { StreamedInput } from './data-input.js';

/** The largest piece that is handed on, so that the bar moves while one large piece is sent. */
const pieceBytes = 256 * 1024;

/**
 * Runs `send` and shows meanwhile on stderr how much of `input` the connection has taken, where stderr is a terminal.
 * @param send is to send the chunks that it is given.
 */
export async function withProgress<T>(
  input: StreamedInput,
  send: (chunks: StreamedInput['chunks']) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return send(input.chunks);
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: 'sent {bar} {percentage}% | {value} of {total} MB | {rate} MB/s | {eta_formatted} left',
    stream: process.stderr,
    clearOnComplete: true,
    formatValue: (value, _, type) => (type === 'value' || type === 'total' ? inMegabytes(value) : String(value)),
  });
  const startedAtMs = performance.now();
  let sentBytes = 0;
  async function* reported(): AsyncGenerator<Uint8Array> {
    for await (const chunk of input.chunks) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        yield piece;
        sentBytes += piece.length;
        const seconds = (performance.now() - startedAtMs) / 1000;
        bar.update(sentBytes, { rate: inMegabytes(sentBytes / seconds) });
      }
    }
  }
  bar.start(input.byteLength, 0, { rate: inMegabytes(0) });
  try {
    return await send(reported());
  } finally {
    bar.stop();
  }
}

function inMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
