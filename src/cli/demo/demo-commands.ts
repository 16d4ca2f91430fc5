import type { ConnectTo } from '../../discovery/connect-to.ts';
import type { DemoNetwork } from './demo-network.ts';
import type { TlsRoute } from './tls-request.ts';

/** What commands from another terminal have to be told. */
export type DemoDoor = Pick<DemoNetwork, 'servers' | 'dns' | 'caFile' | 'keyFile'> & {
  readonly discovery: Pick<DemoNetwork['discovery'], 'connectTo'>;
};

/** `check` for each server, then one with requests that the first server signs. `program`: how this program is called. */
export function listCheckCommands(
  { servers, dns, caFile, keyFile, discovery }: DemoDoor,
  program: string,
): readonly string[] {
  const rules = discovery.connectTo.map((rule) => ` --connect-to ${writeConnectTo(rule)}`).join('');
  const options = `--dns ${dns} --ca-file ${quote(caFile)}${rules}`;
  const checks = servers.map(({ serverName }) => `${program} check ${serverName.text} ${options}`);
  return [...checks, `${checks.at(-1)} --identity ${servers[0]?.serverName.text} --key ${quote(keyFile)}`];
}

/** What clients and other servers ask, by curl, which has to be told where: it does not ask the demo's DNS. */
export function listCurlCommands({ servers, caFile }: DemoDoor): readonly string[] {
  const curl = ({ host, port, sni }: TlsRoute, path: string, more = ''): string => {
    const url = `https://${sni}${port === 443 ? '' : `:${port}`}${path}`;
    return `curl --cacert ${quote(caFile)} --resolve ${sni}:${port}:${host}${more} ${quote(url)}`;
  };
  const delegated = servers.filter(({ step }) => step.startsWith('3'));
  const others = servers.filter(({ step }) => !step.startsWith('3'));
  return [
    ...delegated.flatMap(({ web, client }) => [
      curl(web, '/.well-known/matrix/server'),
      curl(client, '/_matrix/client/versions', ' --http2 -i'),
      curl(client, '/_matrix/client/v3/sync?timeout=5000'),
    ]),
    ...others.map(({ federation }) => curl(federation, '/_matrix/key/v2/server')),
  ];
}

/** As `--connect-to` of curl and of `check` has it. */
export function writeConnectTo({ fromHost, fromPort, toHost, toPort }: ConnectTo): string {
  return [fromHost, fromPort, toHost, toPort].map((part) => part ?? '').join(':');
}

/** Quotes for a POSIX shell where it is needed. */
function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
