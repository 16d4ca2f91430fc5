import { request } from 'node:http';
import type { Readiness, Status } from '../../src/admin/status.ts';
import { type ServeProcess, startServe } from './process.ts';
import { until } from './until.ts';

/** `serve` with several processes, asked at its admin listener. */
export interface SeveralProcesses extends ServeProcess {
  status(): Promise<Status>;
  readiness(): Promise<{ readonly code: number } & Readiness>;
  /** The samples of a scrape whose names begin so, by name and labels. */
  metrics(prefix: string): Promise<ReadonlyMap<string, number>>;
  /** Of those that serve, by slot. */
  pids(): Promise<readonly number[]>;
  /** Sends SIGHUP, and resolves with the line that says what became of it. */
  hangUp(outcome?: RegExp): Promise<Record<string, unknown>>;
}

/** `yaml` says how many there are. */
export async function startSeveral(yaml: string, folder?: string): Promise<SeveralProcesses> {
  const serve = await startServe(yaml, folder);
  const get = (path: string) => askAdmin(serve.admin, path);
  const status = async (): Promise<Status> => JSON.parse((await get('/api/status')).body);
  return {
    ...serve,
    status,
    async readiness() {
      const { code, body } = await get('/readyz');
      return { code, ...(JSON.parse(body) as Readiness) };
    },
    async metrics(prefix) {
      const lines = (await get('/metrics')).body.split('\n').filter((line) => line.startsWith(prefix));
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
    },
    async pids() {
      const { processes } = await status();
      return processes.flatMap(({ pid, state }) => (pid === null || state !== 'serving' ? [] : [pid]));
    },
    hangUp(outcome = /^Reloaded/) {
      const seen = serve.log().length;
      serve.child.kill('SIGHUP');
      return serve.logged(outcome, seen);
    },
  };
}

function askAdmin(port: number, path: string): Promise<{ readonly code: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.once('end', () => resolve({ code: response.statusCode ?? 0, body }));
    });
    sent.once('error', reject).end();
  });
}

/** Waits until a process is gone, a zombie being gone as well. */
export async function untilGone(pid: number): Promise<void> {
  await until(`process ${pid} gone`, () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}
