import { defineConfig } from 'vitest/config';

// unit: pure code, also run on Node 24. e2e: the sidecar on real sockets, Node and npm alone. fuzz: fast-check.
// peers, patient-peers, containers: the wider suites, which need Synapse or a container engine; `.ci/run` installs those first.
// The limits are for what hangs: on a loaded machine, a test that is right may take ten times as long.
const project = (name: string, include: string[], more: object = {}) => ({
  test: {
    name,
    include,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: 'test/harness/compile-cache.ts',
    // Nothing here is mocked and no module has a state: files that share a process need not load everything again.
    isolate: false,
    ...more,
  },
});

// These try a few cases of many in `npm test`; with `peers` they try all of them, which takes two minutes.
const thorough = [
  'test/acme/{killed-in-the-middle,two-years}.test.ts',
  'test/e2e/bad-input-leaves-memory-flat.test.ts',
  'test/e2e/certificates-outlive-{a-clock-that-jumps,a-full-disk,a-read-only-store,damaged-files}.test.ts',
  'test/e2e/explain-says-what-the-proxy-does.test.ts',
  'test/e2e/processes-are-replaced-one-by-one-without-losing-a-connection.test.ts',
  'test/federation-tester/hostile-facts.test.ts',
  'test/fuzz/config.test.ts',
  'test/store/file-leases.test.ts',
];

/** These mostly wait, for leases and renewals, and have their peers to themselves: three at once. */
const patient = [
  'test/peers/{killed-issuances,postgres,postgres-away,postgres-begins,postgres-faults,replicas,stopped-keeper,two-years}.test.ts',
];

export default defineConfig({
  test: {
    // Most tests wait for sockets rather than compute: more of them than there are cores keeps the cores busy.
    maxWorkers: 4,
    projects: [
      project('unit', [
        'test/*.test.ts',
        'test/{base,matrix,config,store,tls,acme,listen,route,forward,observe,admin,app,processes,discovery,advise,federation-tester,synapse,doctor,import,cli,bench}/**/*.test.ts',
        'test/regress/unit/**/*.test.ts',
      ]),
      project('e2e', ['test/e2e/**/*.test.ts', 'test/regress/e2e/**/*.test.ts']),
      project('fuzz', ['test/fuzz/**/*.test.ts']),
      project('peers', ['test/peers/**/*.test.ts', ...thorough], {
        ...{ testTimeout: 180_000, hookTimeout: 300_000, isolate: true, env: { THOROUGH: '1' } },
        exclude: patient,
        fileParallelism: false,
        sequence: { groupOrder: 1 },
      }),
      project('patient-peers', patient, {
        ...{ testTimeout: 180_000, hookTimeout: 300_000, isolate: true, env: { THOROUGH: '1' } },
        maxWorkers: 3,
        sequence: { groupOrder: 2 },
      }),
      project('containers', ['test/containers/**/*.test.ts'], {
        testTimeout: 300_000,
        hookTimeout: 600_000,
        fileParallelism: false,
        isolate: true,
      }),
    ],
  },
});
