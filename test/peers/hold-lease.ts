// A process of its own that says the generation of the lease it got, and then holds it until it is killed:
// node hold-lease.ts URL NAME
import { realSystem } from '../../src/base/system.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';

const [url, name] = process.argv.slice(2);
const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const lease = await createPostgresStore(url!, { system: realSystem, log }).acquireLease(name!);
console.log(lease?.generation ?? 'none');
setInterval(silent, 1_000);
