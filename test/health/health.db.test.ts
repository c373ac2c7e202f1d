import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Db } from '../../src/database/connect.ts';
import { rollback } from '../../src/database/migrate.ts';
import { createHealth } from '../../src/health/health.ts';
import { createOutboxReader } from '../../src/health/outboxReader.ts';
import { createReadiness } from '../../src/health/readiness.ts';
import { enqueueIds, type Outbox, openOutbox } from '../outbox/outbox.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faultyProxy.ts';
import { until } from '../support/program.ts';
import { workerFacts } from './someFacts.ts';

let outbox: Outbox;
let proxy: FaultyProxy;
let db: Db;
beforeAll(async () => {
  outbox = await openOutbox();
  proxy = await startFaultyProxy(outbox.url);
  db = await connect(proxy.url);
});
afterEach(() => proxy.resume());
afterAll(async () => {
  await db?.destroy();
  await proxy?.close();
  await outbox?.close();
});

describe('health, while the database', () => {
  function start({ staleMs = 0 } = {}) {
    const lines: { msg: string }[] = [];
    const log = pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) });
    const reader = createOutboxReader(db, ['contacts'], { keepMs: 0 });
    // The time a busy machine takes is no fault of the database; a silent network takes for ever.
    const health = createHealth({ facts: workerFacts, outbox: reader, log, limitMs: 4_000, staleMs });
    return { health, lines };
  }

  it('answers, is what the outbox says', async () => {
    await enqueueIds(outbox.db, ['1', '2']);
    const { health } = start({ staleMs: 3_600_000 });
    await until(async () => (await health()).health.status === 'healthy');
    expect((await health()).outbox?.objects).toMatchObject([{ object: 'contacts', pending: 2 }]);
  });

  it('is silent, is unhealthy in time, said once, and well again by itself afterwards', async () => {
    const { health, lines } = start();
    await until(async () => (await health()).health.status === 'healthy');
    lines.length = 0;
    proxy.stall();
    await until(async () => (await health()).health.status === 'unhealthy');
    for (let asked = 0; asked < 3; asked += 1) {
      expect(await health()).toMatchObject({
        outbox: null,
        health: { status: 'unhealthy', reasons: ['the database does not answer as it should'] },
      });
    }
    proxy.resume();
    await until(async () => (await health()).health.status === 'healthy');
    expect(lines.map(({ msg }) => msg)).toEqual(['outbox cannot be read', 'outbox is read again']);
  });

  it('is late, stands by what it last knew for a while', async () => {
    const { health } = start({ staleMs: 3_600_000 });
    await until(async () => (await health()).outbox !== null);
    proxy.stall();
    await until(async () => {
      const began = performance.now();
      const { outbox: known } = await health();
      expect(known?.objects).toMatchObject([{ pending: 2 }]);
      return performance.now() - began > 3_900;
    });
  });

  it('lacks the outbox, is unhealthy at once, and the log says why', async () => {
    const { health, lines } = start({ staleMs: 3_600_000 });
    await until(async () => (await health()).outbox !== null);
    lines.length = 0;
    await outbox.db.raw('RENAME TABLE hubspot_mark TO hubspot_mark_away');
    await until(async () => (await health()).health.status === 'unhealthy');
    expect(lines.at(-1)).toMatchObject({ msg: 'outbox cannot be read', reason: 'ER_NO_SUCH_TABLE' });
    await outbox.db.raw('RENAME TABLE hubspot_mark_away TO hubspot_mark');
  });
});

describe('readiness', () => {
  it('is there when the database is reached and migrated', async () => {
    const isReady = createReadiness(db);
    await until(async () => (await isReady()) === null);
  });

  it('is not there while the database is silent, and comes back with it', async () => {
    const isReady = createReadiness(db);
    await until(async () => (await isReady()) === null);
    proxy.stall();
    expect(await isReady()).toMatch(/the database does not answer/);
    proxy.resume();
    await until(async () => (await isReady()) === null);
  });

  it('is not there when a newer program migrated, nor when the migration is taken back', async () => {
    const isReady = createReadiness(db);
    await until(async () => (await isReady()) === null);
    await outbox.db.raw(
      "INSERT INTO hubspot_migration (name, batch, migration_time) VALUES ('29990101_new', 9, NOW())",
    );
    await until(async () => /newer than this program: 29990101_new/.test((await isReady()) ?? ''));
    await outbox.db.raw("DELETE FROM hubspot_migration WHERE name = '29990101_new'");
    await until(async () => (await isReady()) === null);
    await rollback(outbox.db);
    await until(async () => /not migrated: 20261127_outbox is missing/.test((await isReady()) ?? ''));
    await outbox.db.raw('DROP TABLE hubspot_migration, hubspot_migration_lock');
    await until(async () => /not migrated: 20261127_outbox is missing/.test((await isReady()) ?? ''));
  });
});
