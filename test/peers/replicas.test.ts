import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ServeProcess } from '../harness/process.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import { visitOverTls } from '../harness/tls-visit.ts';
import { pause, until } from '../harness/until.ts';
import { type ValidatedAt, validateChallenge } from '../harness/validate-challenge.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { requirePostgres } from './postgres-stores.ts';
import { createReplicas, hasOrdered, NAME, type Replicas, servedBy } from './replicas.ts';

/** Milliseconds: a lease lasts 20 s, and the other one asks for it every 5 s. */
const TAKEOVER = 30_000;
/** Milliseconds: an attempt that broke off is followed by the next one after a minute, give or take. */
const NEXT_ATTEMPT = 90_000;

const missing = requirePostgres();
const why = missing === undefined ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`Two sidecars that share a store in PostgreSQL${why}`, () => {
  const issuer = createScriptedIssuer();
  let server: PostgresServer;
  let replicas: Replicas;
  let count = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  beforeEach(async () => {
    count += 1;
    replicas = await createReplicas(server, issuer, `replicas_${count}`);
  });
  afterEach(() => replicas.close());
  afterAll(async () => {
    await server?.close();
  });

  /** Who orders and who does not, by what they have logged. */
  function tell(one: ServeProcess, two: ServeProcess): { readonly keeper: ServeProcess; readonly other: ServeProcess } {
    return hasOrdered(one) ? { keeper: one, other: two } : { keeper: two, other: one };
  }

  async function untilBothServe(one: ServeProcess, two: ServeProcess, patience = 20_000): Promise<string> {
    let found: (string | undefined)[] = [];
    await until(
      'both serve the same certificate of the CA',
      async () => {
        found = await Promise.all([one, two].map(served));
        return found[0] !== undefined && found[0] === found[1];
      },
      patience,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${one.stdout()}\n${two.stdout()}`);
    });
    return found[0]!;
  }

  async function startBoth(challenges = ['http-01']): Promise<readonly [ServeProcess, ServeProcess]> {
    const [one, two] = await Promise.all([
      replicas.start('one', { challenges }),
      replicas.start('two', { challenges }),
    ]);
    return [one!, two!];
  }

  /** Both are running before the CA is reached, so that it can be told where to validate. */
  function validateAt(choose: () => ValidatedAt): void {
    replicas.ca.rules.validate = (facts) => validateChallenge(facts, choose());
  }

  test.each(['http-01', 'tls-alpn-01'])(
    'that start together make one order, whose %s challenge the other one meets, and serve the same certificate',
    async (challenge) => {
      const pair: ServeProcess[] = [];
      const asked: ServeProcess[] = [];
      replicas.ca.rules.validate = async (facts) => {
        await until('both have started', () => pair.length === 2);
        const { other } = tell(pair[0]!, pair[1]!);
        asked.push(other);
        return validateChallenge(facts, other);
      };
      const [one, two] = await startBoth([challenge]);
      pair.push(one, two);
      await untilBothServe(one, two);
      const { keeper, other } = tell(one, two);
      expect(hasOrdered(other)).toBe(false);
      expect(asked).toEqual([other]);
      expect(keeper).not.toBe(other);
      expect(replicas.ca.count('new-order')).toBe(1);
      expect(await replicas.orders()).toHaveLength(1);
    },
  );

  test('resume the TLS sessions of each other, and of before a restart', async () => {
    const [one, two] = await startBoth();
    validateAt(() => one);
    await untilBothServe(one, two);
    const { session } = await visitOverTls(one.https, undefined, 'TLSv1.3', undefined, NAME);
    expect((await visitOverTls(two.https, undefined, 'TLSv1.3', session, NAME)).resumed).toBe(true);
    await one.close();
    const again = await replicas.start('one');
    await until('the new process has the keys', async () => {
      const { resumed } = await visitOverTls(again.https, undefined, 'TLSv1.3', session, NAME);
      return resumed;
    });
    const stored = (await replicas.read('tls/ticket-keys.json'))!.toString();
    const [, key] = /"key":"([^"]{64})"/.exec(stored)!;
    for (const replica of [one, two, again]) expect(replica.stdout()).not.toContain(key);
  });

  test('renew when `certs renew` is asked of the one that does not order', async () => {
    const [one, two] = await startBoth();
    validateAt(() => one);
    const first = await untilBothServe(one, two);
    const { output, code } = await replicas.run('two', ['certs', 'renew']);
    expect(output).toContain('New certificate for example.test');
    expect(code).toBe(0);
    let next = first;
    await until('both serve the new one', async () => {
      next = await untilBothServe(one, two);
      return next !== first;
    });
    expect(replicas.ca.count('new-order')).toBe(2);
  });

  test('are restarted one after the other without an order, and always serve', async () => {
    const [one, two] = await startBoth();
    validateAt(() => one);
    const certificate = await untilBothServe(one, two);
    let running = [one, two];
    for (const _ of [one, two]) {
      const [first, second] = running as [ServeProcess, ServeProcess];
      first.child.kill('SIGTERM');
      expect(await servedBy(second)).toBe(certificate);
      expect((await first.exited).code).toBe(0);
      const fresh = await replicas.start('fresh');
      expect(await servedBy(fresh)).toBe(certificate);
      running = [second, fresh];
    }
    // Whoever is the keeper now has looked at the certificate.
    await until('somebody looks after it', async () => {
      const held = await server.sql(
        `SELECT 1 FROM replicas_${count}.matrix_sidecar_leases WHERE name = 'acme-keeper' AND expires_at > now()`,
      );
      return held.length === 1;
    });
    expect(replicas.ca.count('new-order')).toBe(1);
    expect(await replicas.orders()).toHaveLength(1);
  });

  test('serve on while PostgreSQL is restarted in the middle of an order, and get the certificate with that order', async () => {
    const { ca } = replicas;
    const { promise: restarted, resolve: goOn } = Promise.withResolvers<ValidatedAt>();
    ca.rules.validate = async (facts) => validateChallenge(facts, await restarted);
    const [one, two] = await startBoth();
    await until('the order is under way', () => ca.count('challenge') > 0);
    const { keeper, other } = tell(one, two);
    await server.stop('immediate');
    // Longer than any call to it takes, and shorter than the lease.
    for (let second = 0; second < 8; second += 1) {
      await pause(1_000);
      for (const replica of [keeper, other]) expect(await servedBy(replica)).toBeUndefined();
    }
    await server.start();
    goOn(one);
    await untilBothServe(one, two, TAKEOVER + NEXT_ATTEMPT);
    expect(ca.count('new-order')).toBe(1);
    expect(await replicas.orders()).toHaveLength(1);
    for (const replica of [keeper, other]) {
      const warnings = replica.log().filter(({ level, msg }) => level === 'warn' && /PostgreSQL/.test(String(msg)));
      expect(warnings.length, JSON.stringify(warnings)).toBeLessThanOrEqual(5);
    }
  });

  test.each([
    ['challenge', 'authz', TAKEOVER + NEXT_ATTEMPT],
    ['finalize', 'authz', TAKEOVER],
    ['cert', 'finalize', TAKEOVER],
  ] as const)(
    'go on with an order in whose middle (%s) the keeper was killed: the other one takes over in time, and gets the certificate',
    async (step, before, patience) => {
      const { ca } = replicas;
      ca.script(step, 'hang');
      const [one, two] = await startBoth();
      validateAt(() => two);
      await until('the order is under way', () => ca.count(before) > 0);
      const { keeper, other } = tell(one, two);
      validateAt(() => other);
      // Until the step that hangs.
      await pause(1_500);
      expect(await servedBy(other)).toBeUndefined();
      keeper.child.kill('SIGKILL');
      await until('the other one has taken over', () => other.log().some(isTakeover), TAKEOVER);
      await until('it serves a certificate', async () => (await served(other)) !== undefined, patience);
      // It was the same order: none was lost.
      expect(ca.count('new-order')).toBe(1);
      expect(await replicas.orders()).toHaveLength(1);
      expect(ca.orders.issued).toHaveLength(1);
      expect(await servedBy(await replicas.start('back'))).toBe(await servedBy(other));
    },
  );
});

const isTakeover = ({ msg }: Record<string, unknown>): boolean =>
  String(msg).startsWith('An order was left in the middle.');

/** Asked again and again, not too often. */
async function served(replica: ServeProcess): Promise<string | undefined> {
  await pause(100);
  return servedBy(replica);
}
