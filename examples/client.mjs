// The first calls from JavaScript: `node examples/client.mjs [HOST [PORT]]`, with a server running there.
import { connect, RequestError } from 'trama/client';

const [host = '127.0.0.1', port = '5000'] = process.argv.slice(2);
const client = await connect({ host, port: Number(port) });

console.log('sum  ', await client.call('sum', [0.1, 0.2]));
console.log('upper', await client.call('upper', 'straße', { timeoutMs: 1000 }));

// Many at once, on the same connection.
console.log('many ', await Promise.all([1, 2, 3].map((n) => client.call('echo', n))));

try {
  await client.call('sum', ['one']);
} catch (error) {
  if (!(error instanceof RequestError)) throw error;
  console.log('error', error.code, '-', error.message);
}

await client.close();
