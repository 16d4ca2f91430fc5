import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../harness/free-ports.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../harness/recording-upstream.ts';
import { startRawUpstream } from '../harness/upstream.ts';
import { makeCertificate } from '../tls/make-certificate.ts';

/** An example of ours as a real nginx runs it, and as `import` sees it: both with the upstreams of the test. */
export interface NginxBeside {
  /** For `import nginx`. */
  readonly path: string;
  /** Where nginx listens for a port of the example's. */
  port(written: number): number | undefined;
  /** Every place where requests can arrive, by how the example writes it. */
  readonly upstreams: ReadonlyMap<string, RecordingUpstream>;
  close(): Promise<void>;
}

/** Addresses of upstreams, as the examples write them. */
const AUTHORITY =
  /(?<![\w.$-])((?:[a-z][\w.-]*|\d{1,3}(?:\.\d{1,3}){3}|\[::1\]):(?:80\d\d|3000|6167|80)|unix:\/run\/[\w./-]+?\.sock)(?![\w.])/g;
/** Of other packages, and of no importance here. */
const DROPPED =
  /^\s*(include\s+(\/etc\/letsencrypt|\/config|modules-enabled)|ssl_dhparam|access_log|user\s|auth_basic).*;.*$/gm;

/** Starts nginx with an example out of the golden folder. `swap` are texts to put in place of others before that. */
export async function startNginxBeside(
  program: string,
  example: string,
  swap: (text: string, port: number) => string,
): Promise<NginxBeside> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-beside-'));
  chmodSync(folder, 0o755);
  const [asWritten, asRun] = [join(folder, 'written'), join(folder, 'run')];
  const isFolder = statSync(example).isDirectory();
  for (const into of [asWritten, asRun]) copyExample(example, into, isFolder);
  const upstreams = new Map<string, RecordingUpstream>();
  const relays: { close(): Promise<void> }[] = [];
  const replaced = new Map<string, string>();
  const spare = await startRecordingUpstream();
  upstreams.set('by variables', spare);
  for (const file of listFiles(asWritten)) {
    for (const [authority] of swap(readFileSync(file, 'latin1'), spare.port).matchAll(AUTHORITY)) {
      if (replaced.has(authority) || authority.endsWith(`:${spare.port}`)) continue;
      const upstream = await startRecordingUpstream();
      upstreams.set(authority, upstream);
      replaced.set(
        authority,
        authority.startsWith('unix:') ? await relay(folder, upstream, relays) : `127.0.0.1:${upstream.port}`,
      );
    }
  }
  const ports = new Map<number, number>();
  const free = await findFreePorts(6);
  const made = makeCertificate({ commonName: 'example.com', names: ['example.com'] });
  writeFileSync(join(folder, 'cert.pem'), made.certPem);
  writeFileSync(join(folder, 'key.pem'), made.keyPem);
  for (const file of [...listFiles(asWritten), ...listFiles(asRun)]) {
    const text = swap(readFileSync(file, 'latin1'), spare.port).replaceAll(
      AUTHORITY,
      (all) => replaced.get(all) ?? all,
    );
    writeFileSync(file, file.startsWith(asRun) ? toRun(text) : text, 'latin1');
  }

  /** With certificates that exist, on ports that are free. */
  function toRun(text: string): string {
    return text
      .replaceAll('include /config/nginx/ssl.conf;', 'ssl_certificate a; ssl_certificate_key b;')
      .replaceAll(DROPPED, '')
      .replaceAll(/(ssl_certificate)\s+[^;]+;/g, `$1 ${folder}/cert.pem;`)
      .replaceAll(/(ssl_certificate_key)\s+[^;]+;/g, `$1 ${folder}/key.pem;`)
      .replaceAll(/\blisten\s+([^;]+);/g, (_, written: string) => {
        const [address = '', ...flags] = written.split(/\s+/);
        const port = Number(/(\d+)$/.exec(address)![1]);
        // IPv6 and the other addresses of the same port are one here.
        if (address.includes('[')) return '';
        if (!ports.has(port)) ports.set(port, free[ports.size]!);
        return `listen 127.0.0.1:${ports.get(port)} ${flags.filter((flag) => !/^(ipv6only|proxy_protocol)/.test(flag)).join(' ')};`;
      });
  }

  const main = writeMain(folder, asRun, isFolder);
  const child = spawn(
    program,
    ['-e', 'stderr', '-c', main, '-g', `daemon off; pid ${folder}/pid; error_log stderr crit;`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  const close = async (): Promise<void> => {
    await stop(child);
    for (const one of [...relays, ...upstreams.values()]) await one.close();
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
    const pid = statSync(join(folder, 'pid'), { throwIfNoEntry: false });
    if (pid !== undefined && pid.size > 0)
      return {
        path: isFolder ? asWritten : join(asWritten, 'site.conf'),
        port: (written) => ports.get(written),
        upstreams,
        close,
      };
    await sleep(25);
  }
  await close();
  throw new Error(`nginx did not start with ${example}:\n${said}`);
}

function copyExample(example: string, into: string, isFolder: boolean): void {
  if (isFolder) return cpSync(example, into, { recursive: true });
  mkdirSync(into);
  cpSync(example, join(into, 'site.conf'));
  cpSync(join(example, '../proxy_params'), join(into, 'proxy_params'));
}

function listFiles(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The file that nginx is started with. */
function writeMain(folder: string, asRun: string, isFolder: boolean): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  if (isFolder) {
    const main = join(asRun, 'nginx.conf');
    writeFileSync(join(asRun, 'mime.types'), 'types { text/html html; application/json json; }');
    writeFileSync(
      main,
      `user root;\n${readFileSync(main, 'utf8').replace('http {', `http { access_log off; ${temporary}`)}`,
    );
    return main;
  }
  const main = join(asRun, 'nginx.conf');
  const site = readFileSync(join(asRun, 'site.conf'), 'utf8');
  const inside = /^\s*server\s*\{/m.test(site) || site.includes('server\r\n') ? 'include site.conf;' : '';
  writeFileSync(main, `user root; events {} http { access_log off; default_type text/plain; ${temporary} ${inside} }`);
  return main;
}

/** A Unix socket that leads to an upstream of the test's. */
async function relay(
  folder: string,
  upstream: RecordingUpstream,
  relays: { close(): Promise<void> }[],
): Promise<string> {
  const { connect } = await import('node:net');
  const path = join(folder, `${relays.length}.sock`);
  const raw = await startRawUpstream(
    (socket) => {
      const onward = connect(upstream.port, '127.0.0.1');
      onward.on('error', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    },
    { path },
  );
  relays.push(raw);
  return `unix:${path}`;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}
