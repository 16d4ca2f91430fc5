// A process of its own that writes one value: node write-to-store.ts URL KEY. For tests of several processes at once.
import { realSystem } from '../../src/base/system.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';

const [url, key] = process.argv.slice(2);
const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const store = createPostgresStore(url!, { system: realSystem, log });
await store.write(key!, Buffer.from(String(process.pid)));
await store.close();
