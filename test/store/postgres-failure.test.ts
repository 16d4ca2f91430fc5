import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { readPostgresAddress } from '../../src/store/postgres-address.ts';
import { explainPostgresFailure, isConnectionLoss } from '../../src/store/postgres-failure.ts';

const address = readPostgresAddress('postgres://edge:hunter22@db.example:6432/certs');
const make = (code: string | undefined, message = 'made up', more: object = {}): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code }, more);

describe('a failure of PostgreSQL', () => {
  it.each([
    ['ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:6432', 'store-unreachable', 'remote'],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND db.example', 'store-unreachable', 'remote'],
    [undefined, 'timeout expired', 'store-unreachable', 'remote'],
    [undefined, 'Connection terminated unexpectedly', 'store-unreachable', 'remote'],
    [undefined, 'Query read timeout', 'store-unreachable', 'remote'],
    [undefined, 'it did not answer within 5 s', 'store-unreachable', 'remote'],
    ['57P03', 'the database system is starting up', 'store-unreachable', 'remote'],
    ['57014', 'canceling statement due to statement timeout', 'store-unreachable', 'remote'],
    ['53300', 'too many clients already', 'store-unreachable', 'operator'],
    ['28P01', 'password authentication failed for user "edge"', 'store-login', 'operator'],
    ['28000', 'no pg_hba.conf entry for host', 'store-login', 'operator'],
    [undefined, 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', 'store-login', 'operator'],
    ['3D000', 'database "certs" does not exist', 'store-no-database', 'operator'],
    ['42501', 'permission denied for schema public', 'store-forbidden', 'operator'],
    ['25006', 'cannot execute INSERT in a read-only transaction', 'store-forbidden', 'operator'],
    ['53100', 'could not extend file', 'store-full', 'operator'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', 'store-tls', 'operator'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'does not match', 'store-tls', 'operator'],
    [undefined, 'The server does not support SSL connections', 'store-tls', 'operator'],
    ['XX000', 'something else', 'store-failed', 'remote'],
  ])('%s, %s: %s, the fault of the %s', (code, message, expected, blame) => {
    const error = explainPostgresFailure(make(code, message), 'write', 'acme/ledger.json', address);
    expect(error).toMatchObject({ code: expected, blame });
    expect(error.message).toContain('acme/ledger.json');
    expect(error.message).toContain('db.example:6432/certs');
    expect(error.hint).not.toBe('');
  });

  it('is about a file where it is one', () => {
    const error = explainPostgresFailure(
      make('ENOENT', 'no such file: /ca.pem', { syscall: 'open' }),
      'read',
      'a',
      address,
    );
    expect(error.code).toBe('store-address');
  });

  it('never shows the password nor what the server quotes, neither in its words nor in its cause', () => {
    const raw = make('XX000', 'something with hunter22 in it', {
      where: 'parameters: $1 = the-key',
      detail: 'the-key',
    });
    const error = explainPostgresFailure(raw, 'write', 'a', address);
    const cause = error.cause as Error;
    const everything = [
      error.message,
      error.stack,
      error.hint,
      cause.message,
      cause.stack,
      JSON.stringify({ ...cause }),
    ];
    expect(everything.join('\n')).not.toMatch(/hunter22|the-key/);
    expect(cause).toMatchObject({ code: 'XX000' });
  });

  it('that was explained already stays as it is', () => {
    const error = new SidecarError('said', { code: 'store-newer', blame: 'operator' });
    expect(explainPostgresFailure(error, 'read', 'a', address)).toBe(error);
  });

  it.each([
    ['ECONNRESET', 'read ECONNRESET', true],
    ['EPIPE', 'write EPIPE', true],
    ['57P01', 'terminating connection due to administrator command', true],
    ['08006', 'connection failure', true],
    [undefined, 'Connection terminated unexpectedly', true],
    [undefined, 'Client has encountered a connection error and is not queryable', true],
    ['ECONNREFUSED', 'connect ECONNREFUSED', false],
    ['57014', 'canceling statement due to statement timeout', false],
    ['23505', 'duplicate key', false],
    [undefined, 'timeout expired', false],
  ])('%s, %s: worth another connection is %s', (code, message, expected) => {
    expect(isConnectionLoss(make(code, message))).toBe(expected);
  });
});
