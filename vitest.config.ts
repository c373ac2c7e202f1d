import { defineConfig } from 'vitest/config';

type Started = { kind: string; adminUrl: string };

const servers = JSON.parse(process.env.TEST_SERVERS ?? '[]') as Started[];
// A process goes on from file to file: what it has loaded need not be loaded 230 times.
const shared = { pool: 'forks' as const, isolate: false, testTimeout: 600_000, hookTimeout: 600_000 };

// The same suite on every server: a project each, beside the tests that need none.
export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.db.test.ts'] } },
      ...servers.map(({ kind, adminUrl }) => ({
        test: {
          ...shared,
          name: kind,
          include: ['test/**/*.db.test.ts'],
          env: { TEST_SERVER_KIND: kind, TEST_SERVER_URL: adminUrl },
        },
      })),
    ],
  },
});
