import { defineConfig } from 'vitest/config';

// unit: pure code, also run on Node 24. e2e: the sidecar on real sockets, Node and npm alone. fuzz: fast-check.
// peers, containers: the wider suites, which need Synapse or a container engine; `.ci/run` installs those first.
// The limits are for what hangs: on a loaded machine, a test that is right may take ten times as long.
const project = (name: string, include: string[], more: object = {}) => ({
  test: { name, include, testTimeout: 60_000, hookTimeout: 60_000, ...more },
});

export default defineConfig({
  test: {
    // Most tests wait for sockets rather than compute: more of them than there are cores keeps the cores busy.
    maxWorkers: 3,
    projects: [
      project('unit', [
        'test/*.test.ts',
        'test/{base,matrix,config,store,tls,acme,listen,route,forward,observe,admin,app,discovery,advise,federation-tester,synapse,doctor,cli}/**/*.test.ts',
        'test/regress/unit/**/*.test.ts',
      ]),
      project('e2e', ['test/e2e/**/*.test.ts', 'test/regress/e2e/**/*.test.ts']),
      project('fuzz', ['test/fuzz/**/*.test.ts'], { testTimeout: 60_000 }),
      project('peers', ['test/peers/**/*.test.ts'], {
        testTimeout: 180_000,
        hookTimeout: 300_000,
        fileParallelism: false,
      }),
      project('containers', ['test/containers/**/*.test.ts'], {
        testTimeout: 300_000,
        hookTimeout: 600_000,
        fileParallelism: false,
      }),
    ],
  },
});
