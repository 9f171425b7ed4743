/**
 * An attacker as a process of its own: started by `fork` with the attack's name and the server's ports. It says
 * `attacking` when the attack is under way; any message ends it, and it answers with what it has counted.
 */
import { attackNamed } from './attacks.js';

const [name, port, httpPort] = process.argv.slice(2);

export type AttackerMessage = 'attacking' | Readonly<Record<string, number>>;

const send = (message: AttackerMessage) => void process.send?.(message);

process.once('disconnect', () => process.exit());
const counted = await attackNamed(name!).attack({ port: Number(port), httpPort: Number(httpPort) });
process.once('message', () => send(counted()));
send('attacking');
