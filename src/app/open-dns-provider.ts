import { readFile } from 'node:fs/promises';
import { createAcmeDnsProvider, parseAcmeDnsAccounts } from '../acme/solvers/acme-dns.ts';
import { createApiCaller } from '../acme/solvers/call-api.ts';
import { createCloudflareProvider } from '../acme/solvers/cloudflare.ts';
import type { DnsProvider } from '../acme/solvers/dns-provider.ts';
import { createExecProvider } from '../acme/solvers/exec.ts';
import { createHttpreqProvider } from '../acme/solvers/httpreq.ts';
import { createRfc2136Provider } from '../acme/solvers/rfc2136.ts';
import type { DnsClient } from '../base/dns.ts';
import { createDnsExchange } from '../base/dns-exchange.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { DnsProviderConfig } from '../config/config.ts';

/** Who writes the TXT records of dns-01, and what has to be closed with it. */
export interface OpenDnsProvider {
  readonly provider: DnsProvider;
  /** Milliseconds. */
  readonly propagationTimeout: number;
  close(): Promise<void>;
}

/** @throws SidecarError when a file that the provider needs cannot be read or is not what it should be */
export async function openDnsProvider(
  config: DnsProviderConfig,
  deps: { readonly system: System; readonly dns: DnsClient },
): Promise<OpenDnsProvider> {
  return { ...(await openProvider(config, deps)), propagationTimeout: config.propagationTimeout };
}

async function openProvider(
  config: DnsProviderConfig,
  deps: { readonly system: System; readonly dns: DnsClient },
): Promise<Omit<OpenDnsProvider, 'propagationTimeout'>> {
  const nothing = async (): Promise<void> => {};
  switch (config.provider) {
    case 'rfc2136': {
      const key = {
        name: config.keyName,
        algorithm: config.algorithm,
        secret: Buffer.from(config.keySecret, 'base64'),
      };
      const slice = { host: config.server.host, port: config.server.port, key, zone: config.zone };
      return { provider: createRfc2136Provider(slice, { ...deps, exchange: createDnsExchange(deps) }), close: nothing };
    }
    case 'exec': {
      const { program, mode, timeout } = config;
      return { provider: createExecProvider({ program, mode, timeout }, deps), close: nothing };
    }
    case 'cloudflare': {
      const api = createApiCaller({ title: 'Cloudflare' }, deps);
      return { provider: createCloudflareProvider({ token: config.apiToken }, api), close: api.close };
    }
    case 'acme-dns': {
      const accounts = await readAccounts(config.accountFile);
      const api = createApiCaller({ title: 'acme-dns' }, deps);
      return { provider: createAcmeDnsProvider({ server: config.server, accounts }, api), close: api.close };
    }
    case 'httpreq': {
      const api = createApiCaller({ title: 'httpreq' }, deps);
      return {
        provider: createHttpreqProvider({ endpoint: config.url, mode: config.mode, login: config.login }, api),
        close: api.close,
      };
    }
  }
}

async function readAccounts(file: string) {
  const fields = { code: 'acme-dns-accounts', blame: 'operator' as const };
  try {
    const parsed = parseAcmeDnsAccounts(await readFile(file, 'utf8'));
    if (parsed.ok) return parsed.value;
    throw new SidecarError(`${file}: ${parsed.why}`, {
      ...fields,
      hint: 'Write there what /register of acme-dns answered.',
    });
  } catch (error) {
    if (error instanceof SidecarError) throw error;
    throw new SidecarError(`${file} cannot be read: ${describeError(error)}`, {
      ...fields,
      hint: 'Check acme.dns.account_file.',
      cause: error,
    });
  }
}
