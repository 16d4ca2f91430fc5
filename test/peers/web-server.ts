import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../harness/free-ports.ts';

export type WebServerKind = 'nginx' | 'apache' | 'caddy' | 'wordpress';

/** A real web server of the test's own, in clear text on one port of 127.0.0.1. */
export interface WebServer {
  readonly port: number;
  /** What it publishes as files. */
  readonly root: string;
  close(): Promise<void>;
}

/** What the front page of the website says. */
export const FRONT_PAGE = 'The website goes on.';

const PROGRAMS: Readonly<Record<WebServerKind, { names: readonly string[]; package: string }>> = {
  nginx: { names: ['nginx'], package: 'nginx' },
  apache: { names: ['apache2', 'httpd'], package: 'apache2-bin' },
  caddy: { names: ['caddy'], package: 'caddy' },
  wordpress: { names: ['php'], package: 'php-cli' },
};
const MODULES = ['/usr/lib/apache2/modules', '/usr/lib64/httpd/modules', '/usr/lib/httpd/modules'];

function findProgram(kind: WebServerKind): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const paths = PROGRAMS[kind].names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why such a web server cannot be started here, or undefined when it can. */
export function whyNoWebServer(kind: WebServerKind): string | undefined {
  if (findProgram(kind) !== undefined) return undefined;
  const { names, package: needed } = PROGRAMS[kind];
  return `no ${names.join(' or ')} on PATH (Debian: apt-get install ${needed})`;
}

/**
 * Starts one with `snippet` where its maker says that it belongs, and resolves when it answers. `prepare` gets the
 * folder of the files before that. For WordPress the snippet is a plug-in, which PHP's own server loads as WordPress does:
 * before everything else.
 */
export async function startWebServer(
  kind: WebServerKind,
  snippet: string,
  prepare: (root: string) => void = () => {},
): Promise<WebServer> {
  const folder = mkdtempSync(join(tmpdir(), `web-${kind}-`));
  // Those that give up their rights read it as somebody else.
  chmodSync(folder, 0o755);
  const root = join(folder, 'root');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), FRONT_PAGE);
  prepare(root);
  const [port] = (await findFreePorts(1)) as [number];
  const child = spawn(findProgram(kind)!, WRITE[kind]({ folder, root, port, snippet }), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const close = async (): Promise<void> => {
    await stop(child);
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    const answer = await askWebServer({ port }, '/').catch(() => undefined);
    if (answer?.body === FRONT_PAGE) return { port, root, close };
    await sleep(50);
  }
  // Apache opens no pipe as its log.
  const log = join(folder, 'error.log');
  if (existsSync(log)) said += readFileSync(log, 'utf8');
  await close();
  throw new Error(`${kind} did not answer:\n${said}`);
}

interface Place {
  readonly folder: string;
  readonly root: string;
  readonly port: number;
  readonly snippet: string;
}

/** Writes the configuration and gives the arguments. */
const WRITE: Readonly<Record<WebServerKind, (place: Place) => string[]>> = {
  nginx({ folder, root, port, snippet }) {
    const file = join(folder, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    writeFileSync(
      file,
      `daemon off; pid ${folder}/pid; error_log stderr; events {}
http {
  access_log off; ${temporary.join(' ')}
  types { text/html html; } default_type text/plain;
  server {
    listen 127.0.0.1:${port}; root ${root};
    location ~ /\\. { deny all; }
    ${snippet}
  }
}`,
    );
    return ['-e', 'stderr', '-c', file];
  },
  apache({ folder, root, port, snippet }) {
    const file = join(folder, 'apache.conf');
    const modules = MODULES.find((path) => existsSync(path)) ?? '';
    const load = ['mpm_event', 'unixd', 'authz_core', 'dir', 'mime', 'alias', 'headers']
      .filter((name) => existsSync(`${modules}/mod_${name}.so`))
      .map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`);
    writeFileSync(join(folder, 'mime.types'), 'text/html html\n');
    const user = process.getuid?.() === 0 ? 'User nobody\nGroup #65534\n' : '';
    writeFileSync(
      file,
      `${load.join('\n')}\n${user}ServerRoot ${folder}\nServerName localhost\nPidFile ${folder}/pid
ErrorLog ${folder}/error.log\nTypesConfig ${folder}/mime.types\nListen 127.0.0.1:${port}\nDirectoryIndex index.html
<VirtualHost *:${port}>\nDocumentRoot ${root}\n<Directory ${root}>\nRequire all granted\n</Directory>
${snippet}\n</VirtualHost>\n`,
    );
    return ['-D', 'FOREGROUND', '-f', file];
  },
  caddy({ folder, root, port, snippet }) {
    const file = join(folder, 'Caddyfile');
    writeFileSync(
      file,
      `{\n  admin off\n  auto_https off\n}\nhttp://:${port} {\nbind 127.0.0.1\nroot * ${root}\n${snippet}\nfile_server\n}\n`,
    );
    return ['run', '--config', file, '--adapter', 'caddyfile'];
  },
  wordpress({ folder, root, port, snippet }) {
    const plugin = join(folder, 'matrix-well-known.php');
    writeFileSync(plugin, snippet);
    const index = join(folder, 'index.php');
    const page = "if (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) !== '/') http_response_code(404);";
    writeFileSync(index, `<?php require '${plugin}'; ${page} readfile('${root}/index.html');`);
    return ['-S', `127.0.0.1:${port}`, index];
  },
};

export interface WebAnswer {
  readonly status: number;
  /** Every field of that name. */
  readonly fields: (name: string) => string[];
  readonly body: string;
}

/** One request, as a browser's script makes it. */
export function askWebServer({ port }: { readonly port: number }, path: string): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { Host: 'example.org', Origin: 'https://app.element.io' };
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      answer.on('error', reject).on('end', () => {
        const { rawHeaders } = answer;
        const fields = (name: string): string[] =>
          rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name);
        resolve({ status: answer.statusCode ?? 0, fields, body });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}
