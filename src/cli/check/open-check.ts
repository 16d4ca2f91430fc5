import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { formatHostPort, type HostPort } from '../../base/address.ts';
import { createHttpsExchange } from '../../base/create-https-exchange.ts';
import { createDnsClient } from '../../base/dns.ts';
import { describeError, SidecarError } from '../../base/errors.ts';
import { isPublicAddress } from '../../base/public-address.ts';
import type { System } from '../../base/system.ts';
import { parseTrustBundle } from '../../base/trust-bundle.ts';
import type { DiscoveryDeps } from '../../discovery/fetch-well-known.ts';
import { createNames } from '../../discovery/names.ts';
import type { Policy } from '../../federation-tester/verdict.ts';
import type { CheckRequest } from './check-request.ts';

/** What a test needs of the world, and how it is judged. */
export interface OpenCheck extends DiscoveryDeps {
  readonly policy: Policy;
}

/** Milliseconds for the first question to a DNS server; the second one has twice as many. */
const DNS_PATIENCE = 1_000;

/** Rejects with a SidecarError for a file that cannot be used and a DNS server without address. */
export async function openCheck(
  { caFile, dns: asked, connectTo }: Pick<CheckRequest, 'caFile' | 'dns' | 'connectTo'>,
  system: System,
): Promise<OpenCheck> {
  const ca = caFile === undefined ? [] : await readAuthority(caFile);
  const dns = createDnsClient({ timeout: DNS_PATIENCE });
  const server = asked === undefined ? undefined : await findDnsServer(asked, system);
  // Whoever brings an authority, a way or a DNS server of their own looks at a network of their own.
  const own = ca.length > 0 || connectTo.length > 0 || (server !== undefined && !isPublicAddress(server.address));
  return {
    system,
    https: createHttpsExchange({ system, ca }),
    names: createNames({ server: server?.text }, { system, dns }),
    policy: { reach: own ? 'private' : 'public', dnsServer: asked, ownAuthority: ca.length > 0 },
  };
}

async function readAuthority(file: string): Promise<readonly string[]> {
  const hint = 'Give a PEM file with the certificate of the authority.';
  const refuse = (why: string, cause?: unknown): SidecarError =>
    new SidecarError(`--ca-file ${file} ${why}.`, { code: 'ca-file', blame: 'operator', hint, cause });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw refuse(`cannot be read: ${describeError(error)}`, error);
  }
  const parsed = parseTrustBundle(text);
  if (!parsed.ok) throw refuse(`cannot be used: ${parsed.why}`);
  return parsed.value;
}

/** DNS servers are asked by address; one that is given by name is found as the machine finds names. */
async function findDnsServer({ host, port }: HostPort, system: System): Promise<{ text: string; address: string }> {
  if (isIP(host) !== 0) return { text: formatHostPort(host, port), address: host };
  const refuse = (why: string, cause?: unknown): SidecarError =>
    new SidecarError(`--dns ${formatHostPort(host, port)}: ${why}.`, {
      code: 'dns-server-unknown',
      blame: 'operator',
      hint: 'Give the address of the DNS server.',
      cause,
    });
  const found = await system.lookup(host).catch((error: unknown) => {
    throw refuse(`the name cannot be resolved: ${describeError(error)}`, error);
  });
  const address = (found.find(({ family }) => family === 4) ?? found[0])?.address;
  if (address === undefined) throw refuse('the name has no address');
  return { text: formatHostPort(address, port), address };
}
