import type { DataSource } from '../client/index.js';

/** Smaller input is through before anybody could read a bar. */
const shownFromBytes = 4 * 1024 * 1024;

/** The largest piece that is handed on, so that the bar moves while one large piece is sent. */
const pieceBytes = 256 * 1024;

/**
 * Shows on stderr how much of `source` the connection has taken, where stderr is a terminal and there is something to
 * see. The returned source is to be sent in its place.
 */
export function withProgress(source: DataSource): DataSource {
  if (source.byteLength < shownFromBytes || !process.stderr.isTTY) return source;
  return { byteLength: source.byteLength, chunks: reported(source) };
}

async function* reported(source: DataSource): AsyncGenerator<Uint8Array> {
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: 'sent {bar} {percentage}% | {value} of {total} MB | {eta_formatted} left',
    stream: process.stderr,
    clearOnComplete: true,
    formatValue: (value, _, type) => (type === 'value' || type === 'total' ? (value / 1e6).toFixed(1) : String(value)),
  });
  bar.start(source.byteLength, 0);
  try {
    for await (const chunk of source.chunks) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        yield piece;
        bar.increment(piece.length);
      }
    }
  } finally {
    bar.stop();
  }
}
