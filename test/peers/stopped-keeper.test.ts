import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createLedgerStore, LEDGER_KEY } from '../../src/acme/ledger-store.ts';
import { certificateKey, writeCertificate } from '../../src/acme/stored-certificate.ts';
import { realSystem } from '../../src/base/system.ts';
import type { Lease, Store } from '../../src/store/store.ts';
import type { ServeProcess } from '../harness/process.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import { pause, until } from '../harness/until.ts';
import { validateChallenge } from '../harness/validate-challenge.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { createPostgresStores, requirePostgres } from './postgres-stores.ts';
import { createReplicas, hasOrdered, type Replicas, servedBy } from './replicas.ts';
import { startRelay } from './tcp-relay.ts';

/** Milliseconds that a keeper is stopped: longer than its lease. */
const STOPPED = 30_000;
/** Milliseconds until an attempt that broke off is made again, and the lease that runs out before. */
const NEXT_ATTEMPT = 120_000;

const missing = requirePostgres();
const why = missing === undefined ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`A keeper that stood still, and was followed by another${why}`, () => {
  let server: PostgresServer;
  const stores = createPostgresStores();
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterEach(() => stores.close());
  afterAll(async () => {
    await server?.close();
  });

  /** The same lease, held by one who does not know yet that another has it. */
  async function takeAway(name: string, from: Store, by: Store): Promise<{ old: Lease; next: Lease }> {
    const old = await from.acquireLease(name);
    await server.sql(`UPDATE matrix_sidecar_leases SET expires_at = now() - interval '1 s' WHERE name = '${name}'`);
    const next = await by.acquireLease(name);
    expect([old?.generation, next?.generation]).toEqual([1, 2]);
    expect(old?.lost.aborted).toBe(false);
    return { old: old!, next: next! };
  }

  test('writes neither ledger nor certificate, and knows then', async () => {
    const [from, by] = [stores.open(server.url()), stores.open(server.url())];
    const { old, next } = await takeAway('unaware', from, by);
    const ledger = createLedgerStore(from, { system: realSystem, note: () => {} });
    await createLedgerStore(by, { system: realSystem, note: () => {} }).update(next, (before) => before);
    const written = await by.read(LEDGER_KEY);
    await expect(
      ledger.update(old, (before) => ({ ...before, nextOrder: before.nextOrder + 1 })),
    ).rejects.toMatchObject({ code: 'store-lease-lost' });
    expect(old.lost.aborted).toBe(true);
    const stored = { names: ['a.test'], directory: '', chainPem: '', keyPem: '', issuedAt: 0 };
    await expect(writeCertificate(old, 'a', stored)).rejects.toMatchObject({ code: 'store-lease-lost' });
    expect(await from.read(LEDGER_KEY)).toEqual(written);
    expect(await from.read(certificateKey('a'))).toBeUndefined();
    await writeCertificate(next, 'a', stored);
    expect(await from.read(certificateKey('a'))).toBeDefined();
  });

  test('changes nothing by a write that hung in the network until then', async () => {
    const relay = await startRelay(server.port);
    stores.add(relay);
    const [from, by] = [stores.open(server.url({ port: relay.port })), stores.open(server.url())];
    const first = await from.acquireLease('stalled');
    await first?.write('stalled/key', Buffer.from('first'));
    const letGo = relay.hold();
    const late = first!.write('stalled/key', Buffer.from('late'));
    await expect(late).rejects.toMatchObject({ code: 'store-unreachable' });
    await server.sql("UPDATE matrix_sidecar_leases SET expires_at = now() - interval '1 s' WHERE name = 'stalled'");
    const next = await by.acquireLease('stalled');
    await next?.write('stalled/key', Buffer.from('next'));
    letGo();
    await pause(1_000);
    expect((await by.read('stalled/key'))?.toString()).toBe('next');
  });

  test('and one that takes the lease in the same moment: what was written first is what the next one reads', async () => {
    const [from, by] = [stores.open(server.url()), stores.open(server.url())];
    for (let round = 0; round < 30; round += 1) {
      const name = `race-${round}`;
      const old = (await from.acquireLease(name))!;
      await server.sql(`UPDATE matrix_sidecar_leases SET expires_at = now() - interval '1 s' WHERE name = '${name}'`);
      const taking = by.acquireLease(name).then(async (next) => {
        const seen = (await by.read(name))?.toString();
        await next?.write(name, Buffer.from('next'));
        return seen;
      });
      const wrote = await old.write(name, Buffer.from('old')).then(
        () => true,
        () => false,
      );
      expect(await taking).toBe(wrote ? 'old' : undefined);
      expect((await by.read(name))?.toString()).toBe('next');
      await old.release();
    }
  });

  describe('by SIGSTOP for 30 s in the middle of an order', () => {
    const issuer = createScriptedIssuer();
    let replicas: Replicas;
    let count = 0;
    afterEach(() => replicas?.close());

    /** Which value, and in which version. */
    async function readRow(key: string): Promise<string> {
      const rows = await server.sql(
        `SELECT updated_at::text || md5(value) AS row FROM stopped_${count}.matrix_sidecar_values WHERE key LIKE '${key}'`,
      );
      return String(rows[0]?.['row']);
    }

    test.each([
      ['challenge', 'authz'],
      ['finalize', 'authz'],
      ['cert', 'finalize'],
    ] as const)('(%s): only the one that followed writes, and both serve what that one got', async (step, before) => {
      count += 1;
      replicas = await createReplicas(server, issuer, `stopped_${count}`);
      const { ca } = replicas;
      ca.script(step, 'hang');
      const [one, two] = await Promise.all([replicas.start('one'), replicas.start('two')]);
      ca.rules.validate = (facts) => validateChallenge(facts, two);
      await until('the order is under way', () => ca.count(before) > 0);
      const [keeper, other]: readonly ServeProcess[] = hasOrdered(one) ? [one, two] : [two, one];
      ca.rules.validate = (facts) => validateChallenge(facts, other!);
      await pause(1_500);
      keeper!.child.kill('SIGSTOP');
      await pause(STOPPED);
      keeper!.child.kill('SIGCONT');
      await until(
        'both serve the certificate',
        async () => {
          await pause(200);
          const [left, right] = await Promise.all([keeper!, other!].map(servedBy));
          return left !== undefined && left === right;
        },
        NEXT_ATTEMPT,
      );
      const rows = await Promise.all(['acme/certificates/%', LEDGER_KEY].map(readRow));
      await pause(7_000);
      expect(await Promise.all(['acme/certificates/%', LEDGER_KEY].map(readRow))).toEqual(rows);
      expect(ca.count('new-order')).toBe(1);
      expect(ca.orders.issued).toHaveLength(1);
      const lost = keeper!.log().filter(({ msg }) => String(msg).includes('The lease acme-keeper was lost'));
      expect(lost).toHaveLength(1);
    });
  });
});
