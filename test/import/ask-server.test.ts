import { describe, expect, it } from 'vitest';
import { listNginxSites } from '../../src/import/nginx/list-sites.ts';
import { parseNginx } from '../../src/import/nginx/parse-nginx.ts';
import { createPatternMatcher } from '../../src/import/pattern-matcher.ts';
import { createSourceFiles } from '../../src/import/source-files.ts';

/** What a server block does with a path, in a few words. */
function ask(inside: string, path: string, before = ''): string {
  const text = `${before} server { listen 443 ssl; server_name a.example.com; ${inside} }`;
  const deps = { matcher: createPatternMatcher(), files: createSourceFiles('/nonexistent'), root: '/nonexistent' };
  const [site] = listNginxSites(parseNginx(text, 'f'), deps).sites;
  const outcome = site!.ask({ host: 'a.example.com', port: 443, path });
  if (outcome.do === 'proxy')
    return `${outcome.target.text}${outcome.way.rewritten === undefined ? '' : ` as ${outcome.way.rewritten}`}`;
  if (outcome.do === 'answer') return `${outcome.status} ${outcome.body ?? ''}`.trim();
  if (outcome.do === 'redirect') return `${outcome.status} to ${outcome.location}`;
  return outcome.do === 'files' ? `files ${outcome.folder}` : `other ${outcome.what}`;
}

const TO = (port: number): string => `proxy_pass http://h:${port};`;

describe('the location is chosen as nginx chooses it', () => {
  const LOCATIONS = `location = /a { ${TO(1)} } location /a { ${TO(2)} } location /a/b { ${TO(3)} } location ^~ /a/c { ${TO(4)} }
    location ~ ^/a/[bc]/x$ { ${TO(5)} } location ~* /X$ { ${TO(6)} } location / { ${TO(7)} }`;
  it.each([
    ['/a', 1],
    ['/ab', 2],
    ['/a/b/y', 3],
    ['/a/b/x', 5],
    ['/a/c/x', 4],
    ['/q/x', 6],
    ['/q/y', 7],
  ])('%s', (path, port) => expect(ask(LOCATIONS, path)).toBe(`http://h:${port}`));

  it('within locations as well, where what is inside inherits no proxy_pass', () => {
    const nested = `location /a { ${TO(1)} location /a/b { ${TO(2)} } location ~ c$ { return 404; } location /a/d { } }`;
    expect(['/a/x', '/a/b', '/a/b/c', '/a/d'].map((path) => ask(nested, path))).toEqual([
      'http://h:1',
      'http://h:2',
      '404',
      '404',
    ]);
  });
});

describe('the path that goes on', () => {
  it.each([
    ['location /m { proxy_pass http://h:1; }', 'http://h:1'],
    ['location /m/ { proxy_pass http://h:1/; }', 'http://h:1 as /x/y'],
    ['location /m { proxy_pass http://h:1/; }', 'http://h:1 as //x/y'],
    ['location /m/ { proxy_pass http://h:1/m/; }', 'http://h:1 as /m/x/y'],
    ['location / { proxy_pass http://h:1$request_uri; }', 'http://h:1'],
    ['location / { proxy_pass http://h:1$uri$is_args$args; }', 'http://h:1 as /m/x/y'],
    ['location / { rewrite ^/m(.*)$ $1 break; proxy_pass http://h:1; }', 'http://h:1 as /x/y'],
    ['location ~ ^/m/(?<rest>.*)$ { proxy_pass http://h:1/$rest; }', 'http://h:1 as /x/y'],
    ['location ~ ^/m/(.*)$ { proxy_pass http://h:1/v/$1; }', 'http://h:1 as /v/x/y'],
    ['rewrite ^/m/(.*)$ /n/$1; location /n { proxy_pass http://h:1; }', 'http://h:1 as /n/x/y'],
  ])('%s', (inside, expected) => {
    // A rewrite of the server's changes the path before the location is looked for.
    expect(ask(inside, '/m/x/y')).toBe(expected);
  });
});

describe('upstreams are found through', () => {
  it.each([
    ['a group', 'upstream g { server a:1; server b:2 backup; }', 'proxy_pass http://g;', 'http://a:1'],
    [
      'a group with a spare first',
      'upstream g { server b:2 backup; server c:3 down; server a:1; }',
      'proxy_pass http://g;',
      'http://a:1',
    ],
    ['a group of sockets', 'upstream g { server unix:/run/a.sock; }', 'proxy_pass http://g;', 'unix:/run/a.sock'],
    ['a socket', '', 'proxy_pass http://unix:/run/a.sock;', 'unix:/run/a.sock'],
    ['a socket with a path', '', 'proxy_pass http://unix:/run/a.sock:/;', 'unix:/run/a.sock as /x'],
    ['a variable', '', 'set $h a; proxy_pass http://$h:1;', 'http://a:1'],
    ['a map', 'map $uri $h { default a:1; ~^/x b:2; }', 'proxy_pass http://$h;', 'http://b:2'],
    [
      'a map by a group of its expression',
      'map $uri $h { ~^/(?<n>.) h-$n:1; }',
      'proxy_pass http://$h;',
      'http://h-x:1',
    ],
    ['no port', '', 'proxy_pass http://a;', 'http://a:80'],
    ['IPv6', '', 'proxy_pass http://[::1]:8008;', 'http://[::1]:8008'],
    ['nothing that is known', '', 'proxy_pass http://$upstream_of_lua;', 'other proxy_pass http://$upstream_of_lua'],
  ])('%s', (_, before, pass, expected) => expect(ask(`location / { ${pass} }`, '/x', before)).toBe(expected));
});

describe('what is answered without an upstream', () => {
  it.each([
    ['return 404;', '404'],
    ['location / { return 200 "a$host"; }', '200 aa.example.com'],
    ['location / { return 301 https://b$request_uri; }', '301 to https://b/x'],
    ['location / { return https://b; }', '302 to https://b'],
    ['if ($host = a.example.com) { return 301 https://$host/; } return 404;', '301 to https://a.example.com/'],
    ['if ($host = b.example.com) { return 301 https://$host/; } return 404;', '404'],
    ['if ($request_method = OPTIONS) { return 204; } location / { return 403; }', '403'],
    ['location / { if ($http_user_agent ~ bot) { return 403; } return 200 a; }', '200 a'],
    ['location / { rewrite ^/(.*)$ https://b/$1 permanent; }', '301 to https://b/x'],
    ['location / { rewrite ^ /y last; } location /y { return 200 y; }', '200 y'],
    ['location / { error_page 418 = @n; return 418; } location @n { return 200 n; }', '200 n'],
    ['location / { try_files $uri @n; } location @n { proxy_pass http://h:1; }', 'http://h:1'],
    ['location / { fastcgi_pass unix:/run/php; }', 'other fastcgi_pass'],
    ['root /nonexistent; location / { }', 'files /nonexistent'],
    ['location / { }', '404'],
    ['location / { rewrite ^ /x last; }', 'other rewrites that lead in a circle'],
    ['location / { try_files /a @n; } location @n { try_files /a @n; }', 'other locations that lead in a circle'],
  ])('%s', (inside, expected) => expect(ask(inside, '/x')).toBe(expected));
});

describe('listen lines', () => {
  it.each([
    ['443 ssl', [['all', 443, true]]],
    ['[::]:443 ssl', [['all', 443, true]]],
    ['*:443 ssl', [['all', 443, true]]],
    ['192.0.2.1:8448 ssl', [['192.0.2.1', 8448, true]]],
    ['[2001:db8::1]:443 ssl', [['[2001:db8::1]', 443, true]]],
    ['localhost', [['localhost', 80, false]]],
    ['unix:/run/a.sock', []],
    ['/ ssl', []],
    ['99999', []],
  ])('%s', (written, expected) => {
    const deps = { matcher: createPatternMatcher(), files: createSourceFiles('/nonexistent'), root: '/nonexistent' };
    const [site] = listNginxSites(parseNginx(`server { listen ${written}; }`, 'f'), deps).sites;
    expect(site!.listens.map(({ host, port, tls }) => [host ?? 'all', port, tls])).toEqual(expected);
  });
});
