import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ariCertificateId } from '../../src/acme/ari-certificate-id.ts';
import { SidecarError } from '../../src/base/errors.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import { makeCertificate } from '../tls/make-certificate.ts';

/** RFC 9773, appendix A. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

describe('the ARI certificate id', () => {
  it("is that of the RFC's example, with the zero byte that keeps the serial number positive", () => {
    expect(ariCertificateId(EXAMPLE)).toBe('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  });

  it('is read from DER as well, and from the first certificate of a chain', () => {
    const id = ariCertificateId(EXAMPLE);
    expect(ariCertificateId(new X509Certificate(EXAMPLE).raw)).toBe(id);
    expect(ariCertificateId(EXAMPLE + makeCertificate({}).certPem)).toBe(id);
  });

  it('finds key identifier and serial number in a certificate with many extensions', () => {
    const issuer = createScriptedIssuer();
    const server = new X509Certificate(issuer.serverCertPem);
    const id = ariCertificateId(issuer.serverCertPem)!;
    const [, serial] = id.split('.');
    expect(Buffer.from(serial!, 'base64url').toString('hex').toUpperCase()).toBe(server.serialNumber);
    expect(id).toMatch(/^[\w-]{27}\.[\w-]+$/);
  });

  it('does not exist for a certificate without authority key identifier', () => {
    expect(ariCertificateId(makeCertificate({ names: ['a.test'] }).certPem)).toBeUndefined();
  });

  it.each(['', 'no certificate', EXAMPLE.slice(0, 200)])('is refused for what is no certificate: %j', (text) => {
    expect(() => ariCertificateId(text)).toThrow(SidecarError);
  });
});
