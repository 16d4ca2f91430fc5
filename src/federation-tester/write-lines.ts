import { isIPv6 } from 'node:net';
import { formatHostPort, type HostPort } from '../base/address.ts';

/** `matrix.example.com. 3600 IN A 192.0.2.1`, as a zone file has it; AAAA for IPv6 addresses. */
export function writeAddressRecord(host: string, address: string): string {
  return `${absolute(host)} 3600 IN ${isIPv6(address) ? 'AAAA' : 'A'} ${address}`;
}

/** Records for an address that nobody here knows: the documentation's addresses (RFC 5737, RFC 3849), said to be that. */
export function writePlaceholderRecords(host: string): readonly string[] {
  return [
    `${writeAddressRecord(host, '192.0.2.1')}      ; a placeholder: write the real address`,
    `${writeAddressRecord(host, '2001:db8::1')} ; the same, if there is IPv6`,
  ];
}

/** `dig @127.0.0.1 -p 5353 -t a example.com`; without a server, the machine's own is asked. */
export function writeDig(type: 'a' | 'aaaa' | 'srv', name: string, server: HostPort | undefined): string {
  const at = server === undefined ? '' : `@${server.host} -p ${server.port} `;
  return `dig ${at}-t ${type} ${name}`;
}

/** `_matrix-fed._tcp.example.com. 3600 IN SRV 10 5 443 matrix.example.com.`; `like`: with that record's rank. */
export function writeSrvRecord(
  name: string,
  port: number,
  target: string,
  like: { readonly priority: number; readonly weight: number } = { priority: 10, weight: 5 },
): string {
  return `${absolute(name)} 3600 IN SRV ${like.priority} ${like.weight} ${port} ${absolute(target)}`;
}

/** Some write the dot that ends an absolute name already. */
function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`;
}

/** The document at https://SERVER_NAME/.well-known/matrix/server that sends other servers to `host:port`. */
export function writeWellKnown(host: string, port: number): string {
  return `{"m.server": "${formatHostPort(host, port)}"}`;
}

/** The same for nginx, in the server block of the server name. */
export function writeNginxWellKnown(host: string, port: number): readonly string[] {
  return [
    'location = /.well-known/matrix/server {',
    '    default_type application/json;',
    '    add_header Access-Control-Allow-Origin * always;',
    `    return 200 '${writeWellKnown(host, port)}';`,
    '}',
  ];
}

/** What keeps nginx, Apache and Traefik from changing or refusing paths. */
export const UNTOUCHED_PATHS: readonly string[] = [
  'nginx:   proxy_pass http://127.0.0.1:8008;   (no path, not even a slash, after the port; no rewrite)',
  'Apache:  AllowEncodedSlashes NoDecode',
  '         ProxyPass /_matrix http://127.0.0.1:8008/_matrix nocanon',
  'Traefik: entryPoints.<name>.http.encodedCharacters.allowEncodedSlash: true, allowEncodedHash: true',
];

/** What lets nginx, Apache and HAProxy pass on everything that Matrix needs. */
export const FORWARD_EVERYTHING: readonly string[] = [
  'nginx:   location ~ ^(/_matrix|/_synapse/client) { proxy_pass http://127.0.0.1:8008; proxy_set_header Host $host:$server_port; }',
  'Apache:  ProxyPass /_matrix http://127.0.0.1:8008/_matrix nocanon',
  'Caddy:   reverse_proxy /_matrix/* 127.0.0.1:8008',
];
