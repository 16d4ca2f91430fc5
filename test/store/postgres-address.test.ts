import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { readPostgresAddress } from '../../src/store/postgres-address.ts';

describe('the address of a PostgreSQL store', () => {
  it.each([
    ['postgres://user:secret@db.example/certs', 'db.example:5432/certs', 'user'],
    ['postgresql://user@db.example:6432/certs', 'db.example:6432/certs', 'user'],
    ['postgres://user:secret@[2001:db8::1]:5433/certs', '[2001:db8::1]:5433/certs', 'user'],
    ['postgres://user:secret@db.example', 'db.example:5432/user', 'user'],
    ['postgres:///certs', 'localhost:5432/certs', undefined],
    ['postgres://user:secret@localhost/certs?host=/run/postgresql', '/run/postgresql:5432/certs', 'user'],
    ['postgres://user:secret@%2Frun%2Fpostgresql/certs', '/run/postgresql:5432/certs', 'user'],
  ])('%s is %s', (url, place, user) => {
    expect(readPostgresAddress(url)).toMatchObject({ place, user, schema: undefined });
  });

  it('takes the schema out, which is ours alone', () => {
    const address = readPostgresAddress('postgres://user@db/certs?schema=edge_1&connect_timeout=3');
    expect(address.schema).toBe('edge_1');
    expect(address.connectionString).toBe('postgres://user@db/certs?connect_timeout=3');
  });

  it.each(['prefer', 'require', 'verify-ca', 'verify-full'])('verifies the certificate with sslmode=%s', (mode) => {
    const { connectionString } = readPostgresAddress(`postgres://user@db/certs?sslmode=${mode}`);
    expect(connectionString).toBe('postgres://user@db/certs?sslmode=verify-full');
  });

  it.each(['disable', 'no-verify'])('leaves sslmode=%s to who wrote it', (mode) => {
    expect(readPostgresAddress(`postgres://user@db/certs?sslmode=${mode}`).connectionString).toContain(mode);
  });

  it('takes passwords out of texts, as they are written and as they are meant', () => {
    const address = readPostgresAddress('postgres://user:pa%40ss%2F1@db/certs?password=other-one');
    expect(address.redact('pa%40ss%2F1 and pa@ss/1 and other-one')).toBe('[redacted] and [redacted] and [redacted]');
    expect(readPostgresAddress('postgres://db/certs').redact('nothing')).toBe('nothing');
  });

  it.each([
    ['an empty host with a user', 'postgres://user:hunter22@/certs'],
    ['a slash in the password', 'postgres://user:12/hunter22@db/certs'],
    ['a slash in a password that is no port', 'postgres://user:hunter22/x@db/certs'],
    ['a stray %', 'postgres://user:hunter22%zz@db/certs'],
    ['a schema with a quote', 'postgres://user:hunter22@db/certs?schema=a"b'],
    ['a schema that is too long', `postgres://user:hunter22@db/certs?schema=${'a'.repeat(41)}`],
    ['an empty schema', 'postgres://user:hunter22@db/certs?schema='],
  ])('refuses %s without repeating it', (_, url) => {
    let error: unknown;
    try {
      readPostgresAddress(url);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SidecarError);
    const refused = error as SidecarError;
    expect(refused).toMatchObject({ code: 'store-address', blame: 'operator' });
    expect(`${refused.message} ${refused.hint} ${refused.stack} ${String(refused.cause)}`).not.toContain('hunter22');
  });
});
