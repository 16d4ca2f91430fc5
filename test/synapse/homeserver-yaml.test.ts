import { describe, expect, it } from 'vitest';
import { readYamlFile } from '../../src/synapse/yaml-file.ts';
import { read, SOUND } from './sound.ts';

describe('what matters of homeserver.yaml', () => {
  it('is read with the defaults that Synapse fills in', () => {
    const { yaml, problems } = read('server_name: example.com\nlisteners:\n- {port: 8008, type: http}\n');
    expect(problems).toEqual([]);
    expect(yaml).toMatchObject({
      serverName: 'example.com',
      publicBaseurl: undefined,
      serveServerWellknown: false,
      maxUploadSize: 52_428_800,
      federationDomainWhitelist: undefined,
      mainSendsFederation: true,
      processes: { names: [], workers: [], redis: false, mainServesMedia: true },
      authenticationService: undefined,
      listeners: [
        {
          type: 'http',
          at: { kind: 'tcp', port: 8008, bindAddresses: ['::', '0.0.0.0'] },
          tls: false,
          xForwarded: false,
          resources: [],
          place: { file: 'a.yaml', line: 3 },
        },
      ],
    });
  });

  it('holds a Unix socket, which forwards addresses unless told not to, and can have no TLS', () => {
    const { yaml } = read(
      'server_name: a.b\nlisteners:\n  - path: /run/a.sock\n    type: http\n    tls: true\n    resources: [{names: [client]}, {names: [client, federation]}]\n',
    );
    expect(yaml?.listeners).toEqual([
      {
        type: 'http',
        at: { kind: 'unix', path: '/run/a.sock' },
        tls: false,
        xForwarded: true,
        resources: ['client', 'federation'],
        place: { file: 'a.yaml', line: 3 },
      },
    ]);
  });

  it('merges files key by key, the later one whole, and remembers which file a line is in', () => {
    const { yaml } = read(SOUND, '# more\n\nlisteners:\n  - {port: 9999, type: http, resources: []}\n');
    expect(yaml?.serverName).toBe('example.com');
    expect(yaml?.listeners.map(({ at, place }) => [at, place])).toEqual([
      [
        { kind: 'tcp', port: 9999, bindAddresses: ['::', '0.0.0.0'] },
        { file: 'b.yaml', line: 4 },
      ],
    ]);
    expect(yaml?.place(['public_baseurl'])).toEqual({ file: 'a.yaml', line: 2 });
    expect(yaml?.place(['max_upload_size'])).toEqual({ file: 'b.yaml', line: undefined });
  });

  it('follows YAML 1.1: yes is true, the last of two equal keys counts, << merges', () => {
    const { yaml } = read(
      'server_name: a.b\nbase: &base\n  type: http\n  x_forwarded: yes\nlisteners:\n  - <<: *base\n    port: 1\n    port: 8008\n',
    );
    expect(yaml?.listeners).toMatchObject([
      { at: { port: 8008 }, xForwarded: true, type: 'http', place: { file: 'a.yaml', line: 6 } },
    ]);
  });

  it('knows the workers, who sends, and who logs in', () => {
    const { yaml } = read(`server_name: a.b
send_federation: false
instance_map: { main: { host: x, port: 1 }, generic1: { host: y, port: 2 } }
matrix_authentication_service: { enabled: true, endpoint: "http://mas:8080", secret: hunter2 }
`);
    expect(yaml).toMatchObject({
      processes: { names: ['generic1'] },
      mainSendsFederation: false,
      authenticationService: { endpoint: 'http://mas:8080', early: false },
    });
    expect(
      read('server_name: a.b\nexperimental_features: {msc3861: {enabled: true, issuer: "https://mas.a.b/"}}').yaml
        ?.authenticationService,
    ).toEqual({ endpoint: 'https://mas.a.b/', early: true });
  });

  it('reads the settings of old, which replace listeners', () => {
    const { yaml } = read('server_name: a.b\nbind_port: 8448\nlisteners: [{port: 1, type: http}]\n');
    expect(yaml?.listeners.map(({ at, tls }) => [at.kind === 'tcp' && at.port, tls])).toEqual([
      [8448, true],
      [8048, false],
    ]);
    expect(
      read('server_name: a.b\nno_tls: yes\nlisteners: [{port: 1, type: http, tls: true}]\n').yaml?.listeners,
    ).toEqual([]);
  });

  it.each([
    ['max_upload_size: 50M', 52_428_800],
    ['max_upload_size: 1G', 1_073_741_824],
    ['max_upload_size: 12345', 12_345],
    ['max_upload_size: "100K"', 102_400],
  ])('reads %s', (line, bytes) => {
    const { yaml, problems } = read(`server_name: a.b\n${line}\n`);
    expect([yaml?.maxUploadSize, problems]).toEqual([bytes, []]);
  });

  it.each([
    ['listeners: 8008', 2, 'listeners is no list'],
    ['listeners:\n  - 8008', 3, 'this listener is no mapping of port, type and so on'],
    ['listeners:\n  - port: "8008"\n    type: http', 3, 'this listener has a port that is no number'],
    ['listeners:\n  - port: 8008', 3, 'this listener has no type'],
    ['listeners:\n  - type: http', 3, 'this listener has neither port nor path'],
    ['listeners:\n  - {type: http, port: 1, path: /a}', 3, 'this listener has both a port and a path'],
    [
      'listeners:\n  - {type: http, port: 1, resources: [client]}',
      3,
      'this listener has resources that are no list of names',
    ],
    ['max_upload_size: 50 MB', 2, 'max_upload_size is no size'],
    ['public_baseurl: [a]', 2, 'public_baseurl is no text'],
    ['federation_domain_whitelist: matrix.org', 2, 'federation_domain_whitelist is no list'],
    ['extra_well_known_client_content: 1', 2, 'extra_well_known_client_content is no mapping'],
  ])('says where Synapse would refuse %s', (text, line, what) => {
    const { problems, yaml } = read(`server_name: a.b\n${text}\n`);
    expect(yaml?.serverName).toBe('a.b');
    expect(problems.map((problem) => [problem.place.line, problem.what])).toEqual([[line, what]]);
  });

  it('needs a server_name, and passes over a file without settings as Synapse does', () => {
    expect(read('report_stats: no\n')).toMatchObject({
      yaml: undefined,
      problems: [{ what: 'there is no server_name' }],
    });
    const { yaml, problems } = read('# nothing\n', SOUND);
    expect(yaml?.serverName).toBe('example.com');
    expect(problems).toMatchObject([{ place: { file: 'a.yaml', line: undefined } }]);
  });
});

describe('a damaged file', () => {
  const bomb = `a: &a [1,1,1,1,1,1,1,1,1,1]\n${'bcdefghij'
    .split('')
    .map((name, index) => `${name}: &${name} [${`*${'abcdefghij'[index]},`.repeat(10)}]`)
    .join('\n')}\n`;

  it.each([
    ['a tab', 'server_name: a\n\tb: 1\n', 2],
    ['an open quote', 'a: 1\nb: "c\nd: e\n', 2],
    ['an unknown tag', 'a: 1\nb: !secret hunter2\n', 2],
    ['a value that is no value', 'a: 1\npassword: hunter2: hunter3\n', 2],
    ['two documents', 'a: 1\n---\nb: 2\n', 2],
    ['an alias to nothing', 'a: *hunter2\n', 1],
    ['aliases of aliases', bomb, 1],
    ['brackets without end', '['.repeat(100_000), 1],
  ])('with %s is one sentence with its line, and repeats nothing of it', (_, text, line) => {
    const before = process.cpuUsage();
    const reading = readYamlFile(text, 'homeserver.yaml');
    // Microseconds of the processor: the machine may be busy.
    expect(process.cpuUsage(before).user).toBeLessThan(4_000_000);
    expect(reading).toMatchObject({ ok: false, problem: { place: { file: 'homeserver.yaml', line } } });
    if (reading.ok) return;
    expect(reading.problem.what).not.toMatch(/\n|hunter/);
    expect(reading.problem.what.length + reading.problem.fix.length).toBeLessThan(220);
    expect(reading.problem.fix).not.toMatch(/hunter/);
  });
});
