import { defineConfig } from 'vitest/config';

type Started = { kind: string; adminUrl: string };

const servers = JSON.parse(process.env.TEST_SERVERS ?? '[]') as Started[];
// A process goes on from file to file: what it has loaded need not be loaded 230 times.
const shared = { pool: 'forks' as const, isolate: false, testTimeout: 600_000, hookTimeout: 600_000 };

// What needs a server to run at all, and is about HubSpot or the command line: one server says all there is to say.
const ONE_SERVER = 'test/**/*.oneDb.test.ts';
const EVERY_SERVER = 'test/**/*.db.test.ts';

// The same suite on every server: a project each, beside the tests that need none.
export default defineConfig({
  test: {
    maxWorkers: 4,
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/**/*.test.ts'], exclude: [EVERY_SERVER, ONE_SERVER] } },
      ...servers.map(({ kind, adminUrl }, index) => ({
        test: {
          ...shared,
          name: kind,
          include: index === 0 ? [EVERY_SERVER, ONE_SERVER] : [EVERY_SERVER],
          env: { TEST_SERVER_KIND: kind, TEST_SERVER_URL: adminUrl },
        },
      })),
    ],
  },
});
